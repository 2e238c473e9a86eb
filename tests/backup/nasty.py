"""A database with all that pg_dump leaves out, and that a restore stumbles over."""

CREATION = """CREATE DATABASE "{name}" OWNER "{owner}" TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'
              LOCALE_PROVIDER icu ICU_LOCALE 'en'"""
ROLE = "backup_test_reader"
SCHEMA = """
CREATE SCHEMA contrib;
CREATE EXTENSION IF NOT EXISTS pg_trgm SCHEMA contrib;
-- as Odoo does with unaccent = True
CREATE EXTENSION IF NOT EXISTS unaccent;
ALTER FUNCTION unaccent(text) IMMUTABLE;
-- only a superuser may create this one
CREATE EXTENSION file_fdw SCHEMA contrib;
CREATE SERVER files FOREIGN DATA WRAPPER file_fdw;
CREATE USER MAPPING FOR {role} SERVER files;
CREATE FOREIGN TABLE absent (line text) SERVER files OPTIONS (filename '/absent');

CREATE TYPE mood AS ENUM ('fine', 'so so');
CREATE DOMAIN percentage AS numeric CHECK (VALUE BETWEEN 0 AND 100);
CREATE TABLE nasty (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name varchar NOT NULL CHECK (name IN ('Zoë', 'Ålesund', 'naïve')),
    plain text GENERATED ALWAYS AS (unaccent(name)) STORED,
    picture bytea DEFAULT '\\x00ff5c', price money DEFAULT 12.5, ratio float8 DEFAULT 1.0 / 3,
    at timestamptz DEFAULT now(), took interval DEFAULT '1 day 2:03', day date DEFAULT now(),
    mood mood DEFAULT 'so so', done percentage DEFAULT 50, refers regclass DEFAULT 'nasty'
);
CREATE INDEX nasty_name ON nasty USING gin (unaccent(name) contrib.gin_trgm_ops);
INSERT INTO nasty (name) VALUES ('Zoë'), ('Ålesund'), ('naïve');
-- in the order of the ICU provider a is before Z
CREATE TABLE letters (letter text NOT NULL) PARTITION BY RANGE (letter);
CREATE TABLE letters_a_to_z PARTITION OF letters FOR VALUES FROM ('a') TO ('Z');
INSERT INTO letters VALUES ('a'), ('B'), ('y');
-- in the child the column that came later is the last one, and in a restored one it is not
CREATE TABLE parent (first int);
CREATE TABLE child (own int) INHERITS (parent);
ALTER TABLE parent ADD COLUMN later int;
INSERT INTO child VALUES (1, 2, 3);
CREATE TABLE empty ();
CREATE UNLOGGED TABLE unlogged AS SELECT 1 AS one;

ALTER TABLE nasty ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY readers ON nasty TO {role} USING (name = 'Zoë');
CREATE FUNCTION shorten(text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT left($1, 3)';
CREATE MATERIALIZED VIEW short AS SELECT id, shorten(name) FROM nasty;
CREATE MATERIALIZED VIEW unfilled AS SELECT * FROM nasty WITH NO DATA;
CREATE TABLE counted (number int);
CREATE FUNCTION count_nasty() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
    AS 'BEGIN INSERT INTO counted SELECT count(*) FROM new_rows; RETURN NULL; END';
CREATE TRIGGER count_nasty AFTER INSERT ON nasty REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION count_nasty();
CREATE FUNCTION observe() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
CREATE EVENT TRIGGER observe ON ddl_command_end EXECUTE FUNCTION observe();
CREATE CAST (money AS bigint) WITHOUT FUNCTION;
CREATE STATISTICS together ON name, mood FROM nasty;
CREATE COLLATION german (provider = icu, locale = 'de');
SELECT lo_from_bytea(4711, '\\xdeadbeef');
COMMENT ON TABLE nasty IS 'it''s a comment';

GRANT SELECT ON nasty TO {role};
CREATE PUBLICATION everything FOR ALL TABLES;
CREATE SUBSCRIPTION feed CONNECTION 'host=127.0.0.1 port=1' PUBLICATION everything
    WITH (connect = false, slot_name = NONE);
"""
# What lies outside the database, or in the way of whoever reads it.
PROPERTIES = """\
COMMENT ON DATABASE "{name}" IS 'it''s a database';
REVOKE CONNECT ON DATABASE "{name}" FROM PUBLIC;
GRANT CONNECT ON DATABASE "{name}" TO {role};
ALTER DATABASE "{name}" CONNECTION LIMIT 50;
ALTER DATABASE "{name}" SET bytea_output = 'escape';
ALTER DATABASE "{name}" SET DateStyle = 'German, DMY';
ALTER DATABASE "{name}" SET IntervalStyle = 'sql_standard';
ALTER DATABASE "{name}" SET TimeZone = 'Pacific/Auckland';
ALTER DATABASE "{name}" SET extra_float_digits = -10;
ALTER DATABASE "{name}" SET search_path = '$user', public, contrib;
ALTER ROLE {role} IN DATABASE "{name}" SET work_mem = '8MB';
"""
# Odoo does not run with these.
OBSTACLES = """\
ALTER DATABASE "{name}" SET default_transaction_read_only = on;
ALTER DATABASE "{name}" SET default_transaction_isolation = 'serializable';
ALTER DATABASE "{name}" SET statement_timeout = '1ms';
ALTER DATABASE "{name}" SET standard_conforming_strings = off;
ALTER DATABASE "{name}" SET row_security = off;
ALTER DATABASE "{name}" SET lc_monetary = 'C.UTF-8';
ALTER DATABASE "{name}" SET role = '{role}';
"""
