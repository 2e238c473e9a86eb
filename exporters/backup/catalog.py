"""Queries of PostgreSQL's catalogs: what a database is, beside the rows of its tables. For PostgreSQL 15 and later."""

# The tables whose rows pg_dump dumps, except extensions' own, with their columns sorted by name: a restore can change
# the column order of a child table.
TABLES = """
    SELECT n.nspname, c.relname, array_remove(array_agg(a.attname::text ORDER BY a.attname), NULL)
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    WHERE c.relkind = 'r' AND c.relpersistence <> 't'
      AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
      AND NOT EXISTS (SELECT FROM pg_depend d
                      WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
    GROUP BY 1, 2
"""

# The names of all objects, the system's own among them. Left out are objects whose names PostgreSQL generates, and
# those that pg_dump leaves out on purpose: temporary objects, indexes that are not valid, subscriptions.
OBJECTS = """
    SELECT described.type || ' ' || described.identity
    FROM (
        SELECT c.tableoid, c.oid, coalesce(part.number, 0)
        FROM pg_class c
        LEFT JOIN pg_index i ON i.indexrelid = c.oid
        LEFT JOIN LATERAL (
            SELECT 0 AS number
            UNION ALL SELECT attnum FROM pg_attribute
            WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped AND c.relkind IN ('r', 'p', 'f', 'v', 'm')
        ) AS part ON true
        WHERE c.relkind <> 't' AND c.relpersistence <> 't' AND coalesce(i.indisvalid, true)
        UNION ALL SELECT tableoid, oid, 0 FROM pg_attrdef
        UNION ALL SELECT tableoid, oid, 0 FROM pg_constraint WHERE conparentid = 0 AND coninhcount = 0
        UNION ALL SELECT tableoid, oid, 0 FROM pg_trigger WHERE NOT tgisinternal AND tgparentid = 0
        UNION ALL SELECT tableoid, oid, 0 FROM pg_rewrite
        UNION ALL SELECT tableoid, oid, 0 FROM pg_policy
        UNION ALL SELECT tableoid, oid, 0 FROM pg_proc
        UNION ALL SELECT tableoid, oid, 0 FROM pg_type WHERE typrelid = 0 AND typcategory <> 'A'
        UNION ALL SELECT tableoid, oid, 0 FROM pg_namespace WHERE nspname <> 'public'
        UNION ALL SELECT tableoid, oid, 0 FROM pg_extension
        UNION ALL SELECT tableoid, oid, 0 FROM pg_language
        UNION ALL SELECT tableoid, oid, 0 FROM pg_collation
        UNION ALL SELECT tableoid, oid, 0 FROM pg_conversion
        UNION ALL SELECT tableoid, oid, 0 FROM pg_operator
        UNION ALL SELECT tableoid, oid, 0 FROM pg_opclass
        UNION ALL SELECT tableoid, oid, 0 FROM pg_opfamily
        UNION ALL SELECT tableoid, oid, 0 FROM pg_am
        UNION ALL SELECT tableoid, oid, 0 FROM pg_cast
        UNION ALL SELECT tableoid, oid, 0 FROM pg_transform
        UNION ALL SELECT tableoid, oid, 0 FROM pg_ts_config
        UNION ALL SELECT tableoid, oid, 0 FROM pg_ts_dict
        UNION ALL SELECT tableoid, oid, 0 FROM pg_ts_parser
        UNION ALL SELECT tableoid, oid, 0 FROM pg_ts_template
        UNION ALL SELECT tableoid, oid, 0 FROM pg_statistic_ext
        UNION ALL SELECT tableoid, oid, 0 FROM pg_event_trigger
        UNION ALL SELECT tableoid, oid, 0 FROM pg_publication
        UNION ALL SELECT tableoid, oid, 0 FROM pg_publication_rel
        UNION ALL SELECT tableoid, oid, 0 FROM pg_publication_namespace
        UNION ALL SELECT tableoid, oid, 0 FROM pg_foreign_data_wrapper
        UNION ALL SELECT tableoid, oid, 0 FROM pg_foreign_server
        UNION ALL SELECT 'pg_user_mapping'::regclass, umid, 0 FROM pg_user_mappings
    ) AS object (class, id, part), pg_identify_object(object.class, object.id, object.part) AS described
    WHERE described.identity !~ '\\mpg_(toast|temp)'
"""

# Objects that only a superuser may create; trusted extensions are not among them.
PRIVILEGED = """
    SELECT described.type || ' ' || described.identity
    FROM (
        SELECT e.tableoid, e.oid FROM pg_extension e WHERE NOT EXISTS (
            SELECT FROM pg_available_extension_versions v WHERE v.name = e.extname AND (v.trusted OR NOT v.superuser))
        UNION ALL SELECT tableoid, oid FROM pg_event_trigger
        UNION ALL SELECT tableoid, oid FROM pg_foreign_data_wrapper
        UNION ALL SELECT tableoid, oid FROM pg_language
        UNION ALL SELECT tableoid, oid FROM pg_am
        UNION ALL SELECT tableoid, oid FROM pg_opclass
        UNION ALL SELECT tableoid, oid FROM pg_opfamily
        UNION ALL SELECT tableoid, oid FROM pg_transform
        UNION ALL SELECT tableoid, oid FROM pg_ts_parser
        UNION ALL SELECT tableoid, oid FROM pg_ts_template
        UNION ALL SELECT tableoid, oid FROM pg_cast WHERE castmethod = 'b'
        UNION ALL SELECT tableoid, oid FROM pg_publication WHERE puballtables
        UNION ALL SELECT tableoid, oid FROM pg_publication_namespace
        UNION ALL SELECT p.tableoid, p.oid FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang
        WHERE p.proleakproof OR NOT l.lanpltrusted
    ) AS object (class, id), pg_identify_object(object.class, object.id, 0) AS described
    -- FirstNormalObjectId: what is below came with the server
    WHERE object.id >= 16384 AND NOT EXISTS (
        SELECT FROM pg_depend d WHERE d.classid = object.class AND d.objid = object.id AND d.deptype = 'e')
    ORDER BY 1
"""

EXTENSIONS = """
    SELECT e.extname AS name, n.nspname AS schema, pg_get_userbyid(n.nspowner) AS schema_owner, e.extversion AS version
    FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace ORDER BY e.oid
"""

# pg_dump leaves out how functions of extensions were altered; Odoo makes unaccent(text) immutable.
EXTENSION_FUNCTIONS = """
    SELECT e.extname AS extension, e.extversion AS version, p.oid::regprocedure::text AS signature,
        pg_get_functiondef(p.oid) AS definition
    FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid JOIN pg_proc p ON p.oid = d.objid
    WHERE d.classid = 'pg_proc'::regclass AND d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'
      AND p.prokind <> 'a'
"""

# Columns of pg_database differ: daticulocale until 16, datlocale from 17 on; daticurules from 16 on.
CREATION = """
    SELECT format('CREATE DATABASE :"database" TEMPLATE :"template" ENCODING %L LC_COLLATE %L LC_CTYPE %L '
        || 'LOCALE_PROVIDER %s%s%s;', pg_encoding_to_char(encoding), datcollate, datctype, provider,
        ' ' || provider || '_LOCALE ' || quote_literal(locale), ' ICU_RULES ' || quote_literal(rules))
    FROM (
        SELECT *, CASE datlocprovider WHEN 'i' THEN 'icu' WHEN 'b' THEN 'builtin' ELSE 'libc' END AS provider,
            coalesce(to_jsonb(d)->>'datlocale', to_jsonb(d)->>'daticulocale') AS locale,
            to_jsonb(d)->>'daticurules' AS rules
        FROM pg_database d WHERE datname = current_database()
    ) AS source
"""

# The roles that owners, privileges, policies and settings name. pg_shdepend does not list the superuser that initdb
# created.
ROLES = """
    WITH source AS (SELECT oid, tableoid, datdba FROM pg_database WHERE datname = current_database())
    SELECT DISTINCT pg_get_userbyid(role) FROM (
        SELECT tableoid, oid, datdba FROM source
        UNION ALL SELECT tableoid, oid, relowner FROM pg_class WHERE oid >= 16384 AND relkind <> 't'
        UNION ALL SELECT tableoid, oid, nspowner FROM pg_namespace WHERE oid >= 16384
        UNION ALL SELECT tableoid, oid, proowner FROM pg_proc WHERE oid >= 16384
        UNION ALL SELECT source.tableoid, source.oid, setrole FROM pg_db_role_setting, source
        WHERE setdatabase = source.oid AND setrole <> 0
        UNION ALL SELECT d.classid, d.objid, d.refobjid FROM pg_shdepend d, source
        WHERE d.refclassid = 'pg_authid'::regclass
          AND (d.dbid = source.oid OR d.classid = source.tableoid AND d.objid = source.oid)
    ) AS object (class, id, role)
    WHERE NOT EXISTS (
        SELECT FROM pg_depend d WHERE d.classid = object.class AND d.objid = object.id AND d.deptype = 'e')
"""

# Statements that restore properties of a database which are stored outside it. A list setting such as search_path is
# stored as it was written; set_config() and FROM CURRENT copy it without quoting it again.
PROPERTIES = """
    WITH source AS (SELECT * FROM pg_database WHERE datname = current_database())
    SELECT statement FROM (
        SELECT 1 AS part, format('ALTER DATABASE :"database" OWNER TO %I;', pg_get_userbyid(datdba)) AS statement
        FROM source
        UNION ALL SELECT 2, format('COMMENT ON DATABASE :"database" IS %L;', description)
        FROM source JOIN pg_shdescription d ON d.objoid = source.oid AND d.classoid = 'pg_database'::regclass
        UNION ALL SELECT 3, format('SECURITY LABEL FOR %I ON DATABASE :"database" IS %L;', provider, label)
        FROM source JOIN pg_shseclabel l ON l.objoid = source.oid AND l.classoid = 'pg_database'::regclass
        UNION ALL SELECT 4, format('ALTER DATABASE :"database" CONNECTION LIMIT %s;', datconnlimit)
        FROM source WHERE datconnlimit >= 0
        UNION ALL SELECT 5, 'REVOKE ALL ON DATABASE :"database" FROM PUBLIC;' FROM source WHERE datacl IS NOT NULL
        UNION ALL SELECT 6, format('GRANT %s ON DATABASE :"database" TO %s%s;', privilege_type,
            CASE grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(grantee)) END,
            CASE WHEN is_grantable THEN ' WITH GRANT OPTION' END)
        FROM source, aclexplode(datacl)
        UNION ALL SELECT 7, CASE WHEN name IN ('local_preload_libraries', 'search_path', 'session_preload_libraries',
                                               'temp_tablespaces')
            THEN format('SELECT set_config(%L, %L, false); ALTER %s SET %I FROM CURRENT;', name, value, target, name)
            ELSE format('ALTER %s SET %I TO %L;', target, name, value) END
        FROM source JOIN pg_db_role_setting s ON s.setdatabase = source.oid, unnest(s.setconfig) AS entry,
        LATERAL (
            SELECT split_part(entry, '=', 1) AS name, substr(entry, strpos(entry, '=') + 1) AS value,
                CASE setrole WHEN 0 THEN 'DATABASE :"database"'
                    ELSE format('ROLE %I IN DATABASE :"database"', pg_get_userbyid(setrole)) END AS target
        ) AS setting
    ) AS property ORDER BY part, statement
"""
