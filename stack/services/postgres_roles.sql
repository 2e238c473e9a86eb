-- The role of each service, with the least privileges that it needs, and its password, from the session's setting
-- influencegen.<role>. May be run again at any time, by a superuser; none of these roles is one.
DO $$
DECLARE
    made record;
BEGIN
    FOR made IN VALUES
        -- owns its databases
        ('odoo', 'CREATEDB', NULL),
        -- owns the database n8n, which is made for it
        ('n8n', 'NOCREATEDB', NULL),
        -- reads everything, and makes the scratch databases that it restores into
        ('backup', 'CREATEDB', 'pg_read_all_data'),
        -- sees the server's statistics and settings, and no data
        ('monitoring', 'NOCREATEDB', 'pg_monitor')
    LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = made.column1) THEN
            EXECUTE format('CREATE ROLE %I', made.column1);
        END IF;
        EXECUTE format('ALTER ROLE %I LOGIN NOSUPERUSER NOCREATEROLE NOREPLICATION NOBYPASSRLS %s PASSWORD %L',
                       made.column1, made.column2, current_setting('influencegen.' || made.column1));
        IF made.column3 IS NOT NULL THEN
            EXECUTE format('GRANT %I TO %I', made.column3, made.column1);
        END IF;
    END LOOP;
END
$$;
