-- n8n's owner, with the password in the session's setting influencegen.owner: until there is one, whoever comes first
-- makes himself the owner. May be run again, once n8n has made its tables, while n8n does not run.
CREATE EXTENSION IF NOT EXISTS pgcrypto;

UPDATE "user"
SET email = 'owner@influencegen.example', "firstName" = 'InfluenceGen', "lastName" = 'Owner',
    password = crypt(current_setting('influencegen.owner'), gen_salt('bf', 10))
WHERE "roleSlug" = 'global:owner'
  AND (password IS NULL
       OR email = 'owner@influencegen.example'
       AND password <> crypt(current_setting('influencegen.owner'), password));

UPDATE settings SET value = 'true' WHERE key = 'userManagement.isInstanceOwnerSetUp';
