SELECT citus_set_coordinator_host('tap.example.org', 5432);
SELECT citus_add_node('worker-1.example.org', 5432);
SELECT citus_add_node('worker-2.example.org', 5433);
CREATE EXTENSION IF NOT EXISTS pg_sphere;
