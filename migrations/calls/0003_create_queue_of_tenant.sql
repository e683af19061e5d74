-- Who is served next is decided between tenants first: the calls of each, in the order of time.
CREATE INDEX service_call_queue_of_tenant
    ON service_call_queue (tenant_id, ready_at, service_call_id);
DROP INDEX service_call_queue_by_time;
