-- What the workflows keep in n8n's own PostgreSQL database, where all n8n workers see it: image requests and who works
-- on them, their calls, the circuit breaker, the counters of all this, and spans that wait for the collector.
--
--   psql --dbname=n8n --file=schema.sql --file=metrics.sql
--
-- Both may be run again at any time.
BEGIN;

CREATE SCHEMA IF NOT EXISTS influencegen;
SET LOCAL search_path = influencegen, pg_temp;

CREATE TABLE IF NOT EXISTS limits (
    the_only boolean PRIMARY KEY DEFAULT true CHECK (the_only),
    ai_tries integer NOT NULL DEFAULT 4,
    ai_timeout_seconds numeric NOT NULL DEFAULT 60,
    callback_timeout_seconds numeric NOT NULL DEFAULT 30,
    -- Odoo times out an image after 15 minutes
    callback_seconds numeric NOT NULL DEFAULT 1200,
    backoff_seconds numeric NOT NULL DEFAULT 1,
    -- n8n keeps an execution in memory while it waits less than 65 seconds
    backoff_max_seconds numeric NOT NULL DEFAULT 30 CHECK (backoff_max_seconds < 60),
    breaker_failures integer NOT NULL DEFAULT 5,
    breaker_open_seconds numeric NOT NULL DEFAULT 30,
    -- how much longer than the timeout of its attempt a lease is valid
    lease_margin_seconds numeric NOT NULL DEFAULT 20
);
INSERT INTO limits DEFAULT VALUES ON CONFLICT DO NOTHING;

-- The lease is held by the execution that works on the request; it is also the id of its span.
CREATE TABLE IF NOT EXISTS request (
    request_id uuid PRIMARY KEY,
    job jsonb NOT NULL,
    trace_id text,
    parent_span text,
    lease text NOT NULL,
    leased_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    leased_until timestamptz NOT NULL,
    ai_tries integer NOT NULL DEFAULT 0,
    error text,
    callback_tries integer NOT NULL DEFAULT 0,
    callback_since timestamptz,
    finished_at timestamptz,
    outcome text CHECK (outcome IN ('done', 'failed', 'undelivered'))
);
CREATE INDEX IF NOT EXISTS request_unfinished ON request (leased_until) WHERE finished_at IS NULL;
CREATE INDEX IF NOT EXISTS request_finished ON request (finished_at);

-- A call is recorded before it is made, so that it is counted even if n8n is killed.
CREATE TABLE IF NOT EXISTS call (
    call_id text PRIMARY KEY,
    request_id uuid NOT NULL REFERENCES request ON DELETE CASCADE,
    api text NOT NULL,
    endpoint text NOT NULL,
    begun_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    -- null until it has ended
    status_class text
);
CREATE INDEX IF NOT EXISTS call_request ON call (request_id);

CREATE TABLE IF NOT EXISTS breaker (
    service text PRIMARY KEY,
    failures integer NOT NULL DEFAULT 0,
    open_until timestamptz,
    -- the one call that is let through once it has been open long enough
    probe text,
    probe_until timestamptz
);
INSERT INTO breaker (service) VALUES ('ai') ON CONFLICT DO NOTHING;

-- The metrics of the catalogue that are produced here: metrics.sql fills it. A label is {name, values} if its list is
-- closed, else {name, limit}; past its bound a value becomes 'other'.
CREATE TABLE IF NOT EXISTS metric (
    name text PRIMARY KEY,
    kind text NOT NULL CHECK (kind IN ('counter', 'histogram', 'gauge')),
    help text NOT NULL,
    labels jsonb NOT NULL,
    buckets text[] NOT NULL
);

-- A counter has one row a series, with an empty part; a histogram one for each bucket that was hit, by its upper bound,
-- and one for the sum. They change in the transaction of what they count, so they are neither lost nor counted twice.
CREATE TABLE IF NOT EXISTS sample (
    metric text NOT NULL REFERENCES metric ON DELETE CASCADE,
    labels jsonb NOT NULL,
    part text NOT NULL,
    value numeric NOT NULL,
    trace_id text,
    trace_value numeric,
    trace_at timestamptz,
    PRIMARY KEY (metric, labels, part)
);

-- Spans wait here until the collector has taken them, or for an hour.
CREATE TABLE IF NOT EXISTS span (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    added_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    content jsonb NOT NULL
);

CREATE OR REPLACE FUNCTION new_id() RETURNS text LANGUAGE sql VOLATILE AS
$$ SELECT substr(replace(gen_random_uuid()::text, '-', ''), 17) $$;

CREATE OR REPLACE FUNCTION seconds(numeric) RETURNS interval LANGUAGE sql IMMUTABLE AS
$$ SELECT make_interval(secs => $1::double precision) $$;

CREATE OR REPLACE FUNCTION unix_nanoseconds(timestamptz) RETURNS text LANGUAGE sql IMMUTABLE AS
$$ SELECT trunc(extract(epoch FROM $1)::numeric * 1000000000)::text $$;

-- Exponential, with jitter: of many executions that failed together, each comes back at its own time.
CREATE OR REPLACE FUNCTION backoff(tries integer) RETURNS numeric LANGUAGE sql VOLATILE
SET search_path = influencegen, pg_temp AS $$
    SELECT round((least(backoff_seconds * 2 ^ least(tries - 1, 20), backoff_max_seconds)
                  * (0.75 + random() / 4))::numeric, 3) FROM limits
$$;

CREATE OR REPLACE FUNCTION count_up(counted text, series jsonb, amount numeric DEFAULT 1) RETURNS void
LANGUAGE sql SET search_path = influencegen, pg_temp AS $$
    INSERT INTO sample (metric, labels, part, value) VALUES (counted, series, '', amount)
    ON CONFLICT (metric, labels, part) DO UPDATE SET value = sample.value + EXCLUDED.value
$$;

CREATE OR REPLACE FUNCTION observe(observed text, series jsonb, seen numeric, trace text) RETURNS void
LANGUAGE sql SET search_path = influencegen, pg_temp AS $$
    INSERT INTO sample (metric, labels, part, value, trace_id, trace_value, trace_at)
    SELECT observed, series, bound, 1, trace, seen, clock_timestamp()
    FROM metric, unnest(buckets) WITH ORDINALITY AS bucket (bound, position)
    WHERE name = observed AND seen <= bound::double precision
    ORDER BY position LIMIT 1
    ON CONFLICT (metric, labels, part) DO UPDATE SET value = sample.value + 1,
        trace_id = coalesce(EXCLUDED.trace_id, sample.trace_id),
        trace_value = CASE WHEN EXCLUDED.trace_id IS NULL THEN sample.trace_value ELSE EXCLUDED.trace_value END,
        trace_at = CASE WHEN EXCLUDED.trace_id IS NULL THEN sample.trace_at ELSE EXCLUDED.trace_at END;
    INSERT INTO sample (metric, labels, part, value) VALUES (observed, series, 'sum', seen)
    ON CONFLICT (metric, labels, part) DO UPDATE SET value = sample.value + EXCLUDED.value
$$;

-- The labels; values over the limit are aggregated as 'other', and counted.
CREATE OR REPLACE FUNCTION bounded(of_metric text, series jsonb) RETURNS jsonb
LANGUAGE plpgsql SET search_path = influencegen, pg_temp AS $$
DECLARE
    label jsonb;
    given text;
BEGIN
    -- one at a time: two that check the limit together would exceed it
    PERFORM FROM metric WHERE name = of_metric FOR UPDATE;
    FOR label IN SELECT jsonb_array_elements(labels) FROM metric WHERE name = of_metric LOOP
        given := series ->> (label ->> 'name');
        CONTINUE WHEN label -> 'values' ? given OR EXISTS (
            SELECT FROM sample WHERE metric = of_metric AND labels ->> (label ->> 'name') = given);
        CONTINUE WHEN label ? 'limit' AND length(given) <= 200 AND (label ->> 'limit')::integer > (
            SELECT count(DISTINCT labels -> (label ->> 'name')) FROM sample WHERE metric = of_metric);
        series := series || jsonb_build_object(label ->> 'name', 'other');
        PERFORM count_up('odoo_telemetry_labels_folded_total', jsonb_build_object('label', label ->> 'name'));
    END LOOP;
    RETURN series;
END $$;

CREATE OR REPLACE FUNCTION add_span(trace text, span text, parent text, name text, kind integer,
                                    span_begun timestamptz, is_error boolean, attributes jsonb) RETURNS void
LANGUAGE sql SET search_path = influencegen, pg_temp AS $$
    INSERT INTO span (content) SELECT jsonb_build_object(
        'traceId', trace, 'spanId', span, 'parentSpanId', parent, 'name', name, 'kind', kind,
        'startTimeUnixNano', unix_nanoseconds(span_begun), 'endTimeUnixNano', unix_nanoseconds(clock_timestamp()),
        'status', CASE WHEN is_error THEN '{"code": 2}' ELSE '{}' END::jsonb,
        'attributes', (SELECT jsonb_agg(jsonb_build_object('key', key, 'value', jsonb_build_object('stringValue', value)))
                       FROM jsonb_each_text(jsonb_strip_nulls(attributes))))
    WHERE trace IS NOT NULL
$$;

-- Take an image request from Odoo; returns the lease of the calling execution, or null if the request is known.
CREATE OR REPLACE FUNCTION accept(new_request uuid, new_job jsonb, traceparent text) RETURNS text
LANGUAGE sql SET search_path = influencegen, pg_temp AS $$
    WITH trace AS (SELECT regexp_match(traceparent, '^00-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f][13579bdf]$') AS part),
    added AS (
        INSERT INTO request (request_id, job, trace_id, parent_span, lease, leased_until)
        SELECT new_request, new_job, part[1], part[2], new_id(), clock_timestamp() + seconds(lease_margin_seconds)
        FROM trace, limits
        ON CONFLICT DO NOTHING RETURNING lease
    )
    SELECT (SELECT lease FROM added)
$$;

-- Count a call that has ended: how it went, and how long it took; `took` is null if unknown.
CREATE OR REPLACE FUNCTION count_call(ended call, took numeric, detail text) RETURNS void
LANGUAGE plpgsql SET search_path = influencegen, pg_temp AS $$
DECLARE
    owner request;
    series jsonb := call_labels(ended.endpoint, ended.status_class);
BEGIN
    SELECT * INTO owner FROM request WHERE request_id = ended.request_id;
    IF took IS NOT NULL THEN
        PERFORM observe(ended.api || '_latency_seconds', series, greatest(took, 0), owner.trace_id);
    END IF;
    IF ended.status_class <> '2xx' THEN
        PERFORM count_up(ended.api || '_errors_total', series);
    END IF;
    PERFORM add_span(
        owner.trace_id, ended.call_id, owner.lease, 'POST ' || ended.endpoint, 3,
        coalesce(clock_timestamp() - seconds(took), ended.begun_at), ended.status_class <> '2xx',
        jsonb_build_object('status_code_class', ended.status_class, 'error.message', detail)
        || CASE WHEN ended.endpoint = 'images' THEN jsonb_build_object(
            'gen_ai.operation.name', 'generate_content', 'gen_ai.output.type', 'image',
            'gen_ai.provider.name', 'influencegen.ai_service', 'gen_ai.request.model', owner.job ->> 'model')
        ELSE '{}' END);
END $$;

CREATE OR REPLACE FUNCTION call_labels(endpoint text, status_class text) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
    SELECT jsonb_build_object('endpoint', endpoint, 'http_method', 'POST', 'status_code_class', status_class)
$$;

CREATE OR REPLACE FUNCTION status_class(status integer, failure text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN status BETWEEN 100 AND 599 THEN status / 100 || 'xx'
                WHEN failure ~* 'ECONNABORTED|ETIMEDOUT|timeout|timed out' THEN 'timeout'
                ELSE 'connection_error' END
$$;

-- The former names of functions below
DROP FUNCTION IF EXISTS breaker_admits(text, numeric), breaker_learns(text, boolean),
    noted_call(request, text, text, numeric);

-- Whether the circuit breaker lets a call pass. Once it has been open long enough, it lets one trial call pass.
CREATE OR REPLACE FUNCTION breaker_allows(call_id text, timeout_seconds numeric) RETURNS boolean
LANGUAGE plpgsql SET search_path = influencegen, pg_temp AS $$
DECLARE
    state breaker;
BEGIN
    SELECT * INTO state FROM breaker WHERE service = 'ai' FOR UPDATE;
    IF state.open_until IS NULL THEN
        RETURN true;
    ELSIF state.open_until > clock_timestamp() OR state.probe_until > clock_timestamp() THEN
        RETURN false;
    END IF;
    UPDATE breaker SET probe = call_id, probe_until = clock_timestamp() + seconds(timeout_seconds)
    WHERE service = 'ai';
    RETURN true;
END $$;

-- Report the outcome of a call to the circuit breaker. While it is open, only that of the trial call counts.
CREATE OR REPLACE FUNCTION breaker_records(call_id text, succeeded boolean) RETURNS void
LANGUAGE plpgsql SET search_path = influencegen, pg_temp AS $$
DECLARE
    state breaker;
    limit_ limits;
BEGIN
    SELECT * INTO limit_ FROM limits;
    SELECT * INTO state FROM breaker WHERE service = 'ai' FOR UPDATE;
    IF state.open_until IS NOT NULL AND state.probe IS DISTINCT FROM call_id THEN
        RETURN;
    ELSIF succeeded THEN
        UPDATE breaker SET failures = 0, open_until = NULL, probe = NULL, probe_until = NULL WHERE service = 'ai';
    ELSE
        UPDATE breaker SET failures = failures + 1, probe = NULL, probe_until = NULL,
            open_until = CASE WHEN failures + 1 >= limit_.breaker_failures
                              THEN clock_timestamp() + seconds(limit_.breaker_open_seconds) END
        WHERE service = 'ai';
    END IF;
END $$;

-- 0 closed, 1 half-open, 2 open
CREATE OR REPLACE FUNCTION breaker_state() RETURNS integer LANGUAGE sql STABLE
SET search_path = influencegen, pg_temp AS $$
    SELECT CASE WHEN open_until IS NULL THEN 0 WHEN open_until > clock_timestamp() THEN 2 ELSE 1 END
    FROM breaker WHERE service = 'ai'
$$;

-- What an execution does next: 'call', 'wait' and come back, 'deliver' the outcome to Odoo, 'deliver again', or 'stop'.
DO $$ BEGIN
    CREATE TYPE influencegen.step AS (
        verdict text, wait_seconds numeric, job jsonb, error text, call_id text, traceparent text, timeout_ms integer);
EXCEPTION WHEN duplicate_object THEN NULL;
END $$;

-- End a call and count it; nothing if it has ended before.
CREATE OR REPLACE FUNCTION ended_call(which text, class text, took numeric, detail text) RETURNS call
LANGUAGE plpgsql SET search_path = influencegen, pg_temp AS $$
DECLARE
    ended call;
BEGIN
    UPDATE call SET status_class = class WHERE call_id = which AND call.status_class IS NULL RETURNING * INTO ended;
    IF ended.call_id IS NOT NULL THEN
        PERFORM count_call(ended, took, detail);
    END IF;
    RETURN ended;
END $$;

-- Extend the lease of a request for `busy` seconds of work.
CREATE OR REPLACE FUNCTION extend_lease(owner request, busy numeric) RETURNS void
LANGUAGE sql SET search_path = influencegen, pg_temp AS $$
    UPDATE request SET leased_until = clock_timestamp() + seconds(busy + lease_margin_seconds)
    FROM limits WHERE request_id = owner.request_id
$$;

-- Count a call whose execution has died, or has been replaced: its result will not arrive.
CREATE OR REPLACE FUNCTION interrupt_call(owner request) RETURNS void
LANGUAGE plpgsql SET search_path = influencegen, pg_temp AS $$
DECLARE
    ended call;
BEGIN
    FOR ended IN UPDATE call SET status_class = 'interrupted'
        WHERE request_id = owner.request_id AND status_class IS NULL RETURNING *
    LOOP
        PERFORM count_call(ended, NULL, NULL);
    END LOOP;
END $$;

-- Record the next call of an execution. n8n restarts an execution, with the lease that it had, if it was killed just
-- when it started; so there may be an open call already.
CREATE OR REPLACE FUNCTION begin_call(owner request, api text, endpoint text, timeout_seconds numeric) RETURNS step
LANGUAGE plpgsql SET search_path = influencegen, pg_temp AS $$
DECLARE
    reply step;
BEGIN
    reply.verdict := 'call';
    reply.call_id := new_id();
    reply.job := owner.job;
    reply.timeout_ms := timeout_seconds * 1000;
    reply.traceparent := coalesce('00-' || owner.trace_id || '-' || reply.call_id || '-01', '');
    PERFORM interrupt_call(owner);
    INSERT INTO call (call_id, request_id, api, endpoint) VALUES (reply.call_id, owner.request_id, api, endpoint);
    PERFORM extend_lease(owner, timeout_seconds);
    RETURN reply;
END $$;

CREATE OR REPLACE FUNCTION waiting(owner request, tries integer) RETURNS step
LANGUAGE plpgsql SET search_path = influencegen, pg_temp AS $$
DECLARE
    reply step;
BEGIN
    reply.verdict := 'wait';
    reply.wait_seconds := backoff(tries);
    PERFORM extend_lease(owner, reply.wait_seconds);
    RETURN reply;
END $$;

-- After a failed attempt at the AI service: wait for another one, or report the failure to Odoo.
CREATE OR REPLACE FUNCTION after_ai_failure(owner request, reason text, another_helps boolean) RETURNS step
LANGUAGE plpgsql SET search_path = influencegen, pg_temp AS $$
DECLARE
    reply step;
BEGIN
    UPDATE request SET error = reason WHERE request_id = owner.request_id;
    IF another_helps AND owner.ai_tries < (SELECT ai_tries FROM limits) THEN
        RETURN waiting(owner, owner.ai_tries);
    END IF;
    reply.verdict := 'deliver';
    reply.error := reason;
    RETURN reply;
END $$;

-- The request that an execution works on; nothing if another one has taken it over.
CREATE OR REPLACE FUNCTION held(asked uuid, holder text) RETURNS request LANGUAGE sql
SET search_path = influencegen, pg_temp AS $$
    SELECT * FROM request WHERE request_id = asked AND lease = holder AND finished_at IS NULL FOR UPDATE
$$;

CREATE OR REPLACE FUNCTION begin_ai_call(asked uuid, holder text) RETURNS SETOF step
LANGUAGE plpgsql SET search_path = influencegen, pg_temp AS $$
DECLARE
    owner request := held(asked, holder);
    limit_ limits;
    reply step;
BEGIN
    SELECT * INTO limit_ FROM limits;
    IF owner.request_id IS NULL THEN
        reply.verdict := 'stop';
    ELSIF owner.ai_tries >= limit_.ai_tries THEN
        reply := after_ai_failure(owner, coalesce(owner.error, 'n8n was interrupted, and no attempt is left'), false);
    ELSE
        UPDATE request SET ai_tries = ai_tries + 1 WHERE request_id = asked RETURNING * INTO owner;
        reply := begin_call(owner, 'api_n8n_to_aiservice', 'images', limit_.ai_timeout_seconds);
        IF NOT breaker_allows(reply.call_id, limit_.ai_timeout_seconds + limit_.lease_margin_seconds) THEN
            UPDATE call SET status_class = 'circuit_open' WHERE call_id = reply.call_id;
            PERFORM count_up('api_n8n_to_aiservice_errors_total', call_labels('images', 'circuit_open'));
            reply := after_ai_failure(owner, 'the AI service is unavailable (circuit breaker open)', true);
        END IF;
    END IF;
    RETURN NEXT reply;
END $$;

-- `status` is null if there was no answer; then `failure` says why.
CREATE OR REPLACE FUNCTION end_ai_call(asked uuid, holder text, which text, status integer, content_type text,
                                       bytes bigint, failure text, took numeric) RETURNS SETOF step
LANGUAGE plpgsql SET search_path = influencegen, pg_temp AS $$
DECLARE
    owner request := held(asked, holder);
    ended call;
    class text := status_class(status, failure);
    reason text := CASE
        WHEN class = 'timeout' THEN 'the AI service gave no answer in time'
        WHEN status IS NULL THEN 'the AI service can''t be reached'
        WHEN class <> '2xx' THEN 'the AI service returned HTTP status ' || status
        WHEN content_type !~ '^image/(png|jpeg)' THEN 'the AI service returned ' || coalesce(content_type, 'nothing')
        WHEN coalesce(bytes, 0) = 0 THEN 'the AI service returned an empty image'
        WHEN bytes > 5500000 THEN 'the AI service returned ' || bytes || ' bytes, more than Odoo takes' END;
    reply step;
BEGIN
    ended := ended_call(which, class, took, reason);
    IF ended.call_id IS NOT NULL THEN
        PERFORM breaker_records(which, class = '4xx' OR (class = '2xx' AND (reason IS NULL OR bytes > 5500000)));
    END IF;
    IF owner.request_id IS NULL OR ended.call_id IS NULL THEN
        reply.verdict := 'stop';
    ELSIF reason IS NULL THEN
        UPDATE request SET error = NULL WHERE request_id = asked;
        reply.verdict := 'deliver';
    ELSE
        reply := after_ai_failure(owner, reason, class <> '4xx' OR status IN (408, 425, 429));
    END IF;
    RETURN NEXT reply;
END $$;

CREATE OR REPLACE FUNCTION begin_callback(asked uuid, holder text) RETURNS SETOF step
LANGUAGE plpgsql SET search_path = influencegen, pg_temp AS $$
DECLARE
    owner request := held(asked, holder);
    reply step;
BEGIN
    IF owner.request_id IS NULL THEN
        reply.verdict := 'stop';
    ELSE
        UPDATE request SET callback_tries = callback_tries + 1,
            callback_since = coalesce(callback_since, clock_timestamp())
        WHERE request_id = asked RETURNING * INTO owner;
        reply := begin_call(
            owner, 'api_n8n_to_odoo_callback', 'image_callback', (SELECT callback_timeout_seconds FROM limits));
        reply.error := owner.error;
    END IF;
    RETURN NEXT reply;
END $$;

CREATE OR REPLACE FUNCTION end_callback(asked uuid, holder text, which text, status integer, failure text,
                                        took numeric) RETURNS SETOF step
LANGUAGE plpgsql SET search_path = influencegen, pg_temp AS $$
DECLARE
    owner request := held(asked, holder);
    class text := status_class(status, failure);
    ended call := ended_call(which, class, took, failure);
    reply step;
BEGIN
    reply.verdict := 'stop';
    IF owner.request_id IS NULL OR ended.call_id IS NULL THEN
        RETURN NEXT reply;
        RETURN;
    END IF;
    IF class = '2xx' OR status = 409 THEN
        -- 409: Odoo took an earlier try whose answer was lost
        PERFORM finish(owner, CASE WHEN owner.error IS NULL THEN 'done' ELSE 'failed' END);
    ELSIF status IN (400, 413, 415, 422) AND owner.error IS NULL THEN
        -- Odoo can't read the image: another one may be better
        reply := after_ai_failure(owner, 'Odoo refused the image with status ' || status, true);
    ELSIF status IN (400, 404, 413, 415, 422)
        OR clock_timestamp() - owner.callback_since > seconds((SELECT callback_seconds FROM limits)) THEN
        PERFORM finish(owner, 'undelivered');
    ELSE
        reply := waiting(owner, owner.callback_tries);
        reply.error := owner.error;
        reply.verdict := 'deliver again';
    END IF;
    RETURN NEXT reply;
END $$;

CREATE OR REPLACE FUNCTION finish(owner request, how text) RETURNS void
LANGUAGE plpgsql SET search_path = influencegen, pg_temp AS $$
BEGIN
    -- deletes the prompt, which is not needed any more
    UPDATE request SET finished_at = clock_timestamp(), outcome = how, job = '{}' WHERE request_id = owner.request_id;
    PERFORM add_generation_span(owner, how);
END $$;

CREATE OR REPLACE FUNCTION add_generation_span(owner request, how text) RETURNS void
LANGUAGE sql SET search_path = influencegen, pg_temp AS $$
    SELECT add_span(owner.trace_id, owner.lease, owner.parent_span, 'n8n image generation', 2, owner.leased_at,
                    how <> 'done', jsonb_build_object(
                        'influencegen.request_id', owner.request_id, 'influencegen.outcome', how))
$$;

-- Take over the requests whose execution died; what it was calling is counted as interrupted.
CREATE OR REPLACE FUNCTION take_abandoned() RETURNS TABLE (request_id uuid, lease text)
LANGUAGE plpgsql SET search_path = influencegen, pg_temp AS $$
DECLARE
    owner request;
BEGIN
    DELETE FROM request WHERE finished_at < clock_timestamp() - interval '1 day';
    DELETE FROM span WHERE added_at < clock_timestamp() - interval '1 hour';
    FOR owner IN
        SELECT * FROM request WHERE finished_at IS NULL AND leased_until < clock_timestamp()
        ORDER BY leased_until LIMIT 20 FOR UPDATE SKIP LOCKED
    LOOP
        PERFORM interrupt_call(owner);
        PERFORM add_generation_span(owner, 'interrupted');
        UPDATE request SET lease = new_id(), leased_at = clock_timestamp(),
            leased_until = clock_timestamp() + seconds(limits.lease_margin_seconds)
        FROM limits WHERE request.request_id = owner.request_id RETURNING request.* INTO owner;
        request_id := owner.request_id;
        lease := owner.lease;
        RETURN NEXT;
    END LOOP;
END $$;

-- A failure of a workflow itself. What an external service caused is counted where it was called.
CREATE OR REPLACE FUNCTION report_error(workflow text, node text, error_type text) RETURNS void
LANGUAGE sql SET search_path = influencegen, pg_temp AS $$
    SELECT count_up('n8n_workflow_execution_errors_total', bounded(
        'n8n_workflow_execution_errors_total',
        jsonb_build_object('workflow_name', workflow, 'node_name', node, 'error_type', error_type)))
$$;

-- The executions that run ('running') or are queued ('new') in n8n's own table: right for one process and for many workers.
-- Those of the calling workflow are not the platform's work. n8n can't write the end of an execution while the
-- database is down, and does not write it later: an execution that started before the database server did is counted
-- for an hour at most.
CREATE OR REPLACE FUNCTION executions(wanted text, asking text) RETURNS bigint
LANGUAGE plpgsql STABLE SET search_path = public, pg_temp AS $$
DECLARE
    found bigint := 0;
BEGIN
    IF to_regclass('execution_entity') IS NOT NULL THEN
        SELECT count(*) INTO found FROM execution_entity
        WHERE status = wanted AND "deletedAt" IS NULL AND "workflowId" <> asking
            AND coalesce("startedAt", "createdAt") > least(pg_postmaster_start_time(), now() - interval '1 hour');
    END IF;
    RETURN found;
END $$;

-- Whether n8n has published the latest version of a workflow; n8n 2 does so some seconds after it has started.
CREATE OR REPLACE FUNCTION published(workflow text) RETURNS boolean
LANGUAGE plpgsql STABLE SET search_path = public, pg_temp AS $$
BEGIN
    IF to_regclass('workflow_published_version') IS NULL THEN
        RETURN EXISTS (SELECT FROM workflow_entity WHERE id = workflow AND active);
    END IF;
    RETURN EXISTS (
        SELECT FROM workflow_entity JOIN workflow_published_version ON "workflowId" = id
        WHERE id = workflow AND "publishedVersionId" = "activeVersionId");
END $$;

-- Workflows that report their failures and have had none, up to the label's limit.
CREATE OR REPLACE FUNCTION unfailed_workflows(counted text) RETURNS SETOF text
LANGUAGE plpgsql STABLE SET search_path = influencegen, public, pg_temp AS $$
BEGIN
    IF to_regclass('workflow_entity') IS NULL THEN
        RETURN;
    END IF;
    RETURN QUERY
    WITH failed AS (SELECT DISTINCT sample.labels ->> 'workflow_name' AS name FROM sample WHERE metric = counted)
    SELECT DISTINCT workflow.name::text FROM workflow_entity AS workflow
    WHERE active AND settings ->> 'errorWorkflow' = 'igErrors'
        AND NOT EXISTS (SELECT FROM failed WHERE failed.name = workflow.name)
    ORDER BY 1
    LIMIT (SELECT greatest(0, (label ->> 'limit')::integer - (SELECT count(*) FROM failed))
           FROM metric, jsonb_array_elements(labels) AS label
           WHERE metric.name = counted AND label ->> 'name' = 'workflow_name');
END $$;

CREATE OR REPLACE FUNCTION label_text(series jsonb) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT coalesce(string_agg(format('%s="%s"', key, replace(replace(replace(
        value, '\', '\\'), '"', '\"'), chr(10), '\n')), ',' ORDER BY key), '') FROM jsonb_each_text(series)
$$;

-- Everything that is counted here, as OpenMetrics text. `asking` is the id of the calling workflow.
CREATE OR REPLACE FUNCTION exposition(asking text) RETURNS text
LANGUAGE sql STABLE SET search_path = influencegen, pg_temp AS $$
    WITH gauge (name, labels, value) AS (VALUES
        ('api_circuit_breaker_state', '{"dependency": "aiservice"}'::jsonb, breaker_state()::bigint),
        ('n8n_workflow_active_executions', '{}', executions('running', asking)),
        ('n8n_workflow_execution_queue_length', '{}', executions('new', asking))),
    bucket AS (
        SELECT name, series.labels, position, bound,
               sum(coalesce(value, 0)) OVER (PARTITION BY name, series.labels ORDER BY position) AS cumulative,
               ' # {trace_id="' || trace_id || '"} ' || trace_value || ' ' || round(extract(epoch FROM trace_at), 3)
                   AS exemplar
        FROM metric
        JOIN (SELECT DISTINCT metric, labels FROM sample) AS series ON series.metric = name
        CROSS JOIN unnest(buckets) WITH ORDINALITY AS bound (bound, position)
        LEFT JOIN sample ON sample.metric = name AND sample.labels = series.labels AND part = bound
        WHERE kind = 'histogram'),
    line (name, labels, position, text) AS (
        SELECT metric, sample.labels, 0, format('%s{%s} %s', metric, label_text(sample.labels), value)
        FROM sample JOIN metric ON metric.name = sample.metric WHERE kind = 'counter'
        UNION ALL
        SELECT counted, labels, 0, format('%s{%s} 0', counted, label_text(labels))
        FROM (VALUES ('n8n_workflow_execution_errors_total')) AS error (counted),
             unfailed_workflows(counted) AS workflow,
             unnest('{node_execution_error,workflow_logic_error}'::text[]) AS error_type,
             jsonb_build_object('workflow_name', workflow, 'node_name', 'none', 'error_type', error_type) AS labels
        UNION ALL
        SELECT name, labels, position, format('%s_bucket{%s,le="%s"} %s%s', name, label_text(labels), bound, cumulative,
                                              exemplar) FROM bucket
        UNION ALL
        SELECT name, labels, 1000, format('%s_count{%s} %s', name, label_text(labels), cumulative) FROM bucket
        WHERE bound = '+Inf'
        UNION ALL
        SELECT metric, labels, 1001, format('%s_sum{%s} %s', metric, label_text(labels), value) FROM sample
        WHERE part = 'sum'
        UNION ALL
        SELECT name, labels, 0, format('%s{%s} %s', name, label_text(labels), value) FROM gauge),
    family AS (
        SELECT name, format(E'# HELP %1$s %2$s\n# TYPE %1$s %3$s\n', regexp_replace(name, '_total$', ''), help, kind)
            || string_agg(text, chr(10) ORDER BY line.labels, position) AS text
        FROM metric JOIN line USING (name) GROUP BY name)
    SELECT string_agg(text, chr(10) ORDER BY name) || chr(10) || '# EOF' || chr(10) FROM family
$$;

-- Let the series that are known in advance begin at 0: rate() does not see the first event of one that begins at 1.
CREATE OR REPLACE FUNCTION start_at_zero() RETURNS void
LANGUAGE sql SET search_path = influencegen, pg_temp AS $$
    INSERT INTO sample (metric, labels, part, value)
    SELECT api || suffix, call_labels(endpoint, status_class), part, 0
    FROM (VALUES ('api_n8n_to_aiservice', 'images'), ('api_n8n_to_odoo_callback', 'image_callback')) AS api (api, endpoint),
         (VALUES ('_errors_total', '', '{3xx,4xx,5xx,timeout,connection_error,circuit_open,interrupted}'::text[]),
                 ('_latency_seconds', 'sum', '{2xx,3xx,4xx,5xx,timeout,connection_error}')) AS series (suffix, part, ends),
         unnest(ends) AS status_class
    WHERE api = 'api_n8n_to_aiservice' OR status_class <> 'circuit_open'
    ON CONFLICT DO NOTHING
$$;

-- The next spans for the collector, as the body of an OTLP request in JSON, and their ids; no row if there are none.
-- https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding
CREATE OR REPLACE FUNCTION next_spans() RETURNS TABLE (body jsonb, ids jsonb)
LANGUAGE sql STABLE SET search_path = influencegen, pg_temp AS $$
    SELECT jsonb_build_object('resourceSpans', jsonb_build_array(jsonb_build_object(
        'resource', '{"attributes": [{"key": "service.name", "value": {"stringValue": "n8n"}}]}'::jsonb,
        'scopeSpans', jsonb_build_array(jsonb_build_object(
            'scope', '{"name": "influencegen"}'::jsonb, 'spans', jsonb_agg(content ORDER BY id)))))),
        jsonb_agg(id)
    FROM (SELECT * FROM span ORDER BY id LIMIT 400) AS batch HAVING count(*) > 0
$$;

CREATE OR REPLACE FUNCTION spans_taken(ids jsonb) RETURNS bigint
LANGUAGE sql SET search_path = influencegen, pg_temp AS $$
    WITH gone AS (
        DELETE FROM span WHERE id IN (SELECT value::bigint FROM jsonb_array_elements_text(ids)) RETURNING id
    )
    SELECT count(*) FROM gone
$$;

COMMIT;
