"""`make dashboards`: write all dashboards again."""

from .files import main

if __name__ == "__main__":
    main()
