SET citus.enable_repartition_joins TO 'on';
SET citus.max_intermediate_result_size TO 4194304;
SET citus.propagate_set_commands TO 'local';
