"""The web configuration of Prometheus, Alertmanager and their exporters: every request needs the password.

python -m stack.services.web_config FILE=PASSWORD_FILE … writes one for each; Compose runs it so.
"""

import sys
from pathlib import Path

import bcrypt
import yaml

from stack.layout import ACCOUNT

# bcrypt's minimum. More rounds would slow down the first request of Prometheus to each server; guessing is hopeless
# anyway against 192 random bits or more.
ROUNDS = 4


def web_config(password: str, before: str | None = None) -> str:
    """Return the web configuration that accepts ACCOUNT with a password: `before`, if it already does."""
    if before:
        known = yaml.safe_load(before)["basic_auth_users"].get(ACCOUNT, "")
        if known and bcrypt.checkpw(password.encode(), known.encode()):
            return before
    hashed = bcrypt.hashpw(password.encode(), bcrypt.gensalt(ROUNDS)).decode()
    return yaml.safe_dump({"basic_auth_users": {ACCOUNT: hashed}})


def main() -> None:
    """Write the files; they hold only hashes of passwords, and each container may read them."""
    for argument in sys.argv[1:]:
        file, password = map(Path, argument.split("="))
        file.write_text(web_config(password.read_text().strip()))
        file.chmod(0o444)


if __name__ == "__main__":
    main()
