SELECT create_distributed_table('"gaia"."source"', 'hpx4', colocate_with => 'none', shard_count => 128);
SELECT create_distributed_table('"gaia"."Photo""metry"', 'hpx4', colocate_with => '"gaia"."source"');
COPY "gaia"."source" ("source_id", "ra", "dec", "hpx4") FROM STDIN (FORMAT binary);
