-- no service outside is called: each call needs an address, and says so where there is none
-- (emptied and not deleted: an upgrade makes the records of data/parameters.xml again where they are missing)
UPDATE ir_config_parameter
   SET value = ''
 WHERE key IN ('influencegen.n8n_webhook_url', 'influencegen.kyc_url', 'influencegen.payment_url');

-- another secret: nothing that production's n8n signed is accepted, and nothing is signed as production signs it
UPDATE ir_config_parameter
   SET value = replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', '')
 WHERE key = 'influencegen.webhook_secret';

-- no result is sent to production
DELETE FROM ir_config_parameter
 WHERE key = 'influencegen.callback_url';

-- no service moves the money of a new payment until one is chosen here
UPDATE ir_config_parameter
   SET value = 'manual'
 WHERE key = 'influencegen.payment_provider';
