-- Calls are queued by a command that is published with their acceptance. Those that were accepted
-- before there were commands, and whose turn it is, are queued here. A call that waits for its time
-- has a timer, which queues it.
INSERT INTO service_call_queue (tenant_id, service_call_id, ready_at)
SELECT m.tenant_id, m.aggregate_id, MIN(m.occurred_at)
FROM messages m
WHERE m.channel = 'scheduler.service-call.v1'
    AND m.type IN ('ServiceCallSubmitted', 'DueTimeReached')
    AND NOT EXISTS (
        SELECT 1 FROM messages o
        WHERE o.tenant_id = m.tenant_id
            AND o.aggregate_type = m.aggregate_type
            AND o.aggregate_id = m.aggregate_id
            AND (
                o.type IN ('AttemptStarted', 'ServiceCallCancelled')
                OR (m.type = 'ServiceCallSubmitted' AND o.type = 'ServiceCallScheduled')
            )
    )
GROUP BY m.tenant_id, m.aggregate_id
ON CONFLICT (tenant_id, service_call_id) DO NOTHING;
