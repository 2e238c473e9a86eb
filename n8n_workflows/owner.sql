-- Sets up n8n's owner account, with the password in the session's setting influencegen.owner: until an owner exists,
-- the first person to open n8n can register as the owner. Run it after n8n has created its tables and while n8n is
-- stopped; it may be run again.
CREATE EXTENSION IF NOT EXISTS pgcrypto;

UPDATE "user"
SET email = 'owner@influencegen.example', "firstName" = 'InfluenceGen', "lastName" = 'Owner',
    password = crypt(current_setting('influencegen.owner'), gen_salt('bf', 10))
WHERE "roleSlug" = 'global:owner'
  AND (password IS NULL
       OR email = 'owner@influencegen.example'
       AND password <> crypt(current_setting('influencegen.owner'), password));

UPDATE settings SET value = 'true' WHERE key = 'userManagement.isInstanceOwnerSetUp';
