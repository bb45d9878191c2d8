SELECT from_nodename, from_nodeport, to_nodename, to_nodeport, result FROM citus_check_cluster_node_health();
SELECT nodename, nodeport, count(*), sum(shard_size) FROM citus_shards GROUP BY nodename, nodeport;
SELECT * FROM get_rebalance_table_shards_plan();
SELECT citus_rebalance_start(rebalance_strategy => 'by_disk_size', shard_transfer_mode => 'block_writes');
SELECT state, details FROM citus_rebalance_status();
SELECT citus_drain_node('worker-2.example.org', 5433, shard_transfer_mode => 'block_writes');
SELECT citus_remove_node('worker-2.example.org', 5433);
