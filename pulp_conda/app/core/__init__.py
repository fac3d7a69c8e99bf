"""All uses of pulpcore's private parts: everything that its plugin API does not export.

A new pulpcore may change these without notice. Check each row when the pin in `pyproject.toml`
moves. The named tests compare with pulpcore's own behaviour, and fail if it changed.

| module | what it uses | tests |
|---|---|---|
| `tasking` | `tasking.tasks`, `contexts._current_task`, `AppStatus`, `tasking.kafka`, `tasking._util`, the channel `pulp_worker_wakeup` | `test_tasks`, `test_crashes` |
| `redis_locks` | `tasking.redis_locks`, `redis_connection` | `test_redis` |
| `dead_processes` | records of `AppStatus`, as `PulpcoreWorker.app_worker_cleanup` | `test_faults`, `test_crashes` |
| `publications` | `DistributedPublication` | `test_tasks` |
| `identity` | the principal and the authentication of workload identities | `test_oidc` |
| `serving` | the content app's middleware and `validate_domain`, the counter of bytes, the names of storages and of their parameters | `test_private`, `test_s3` |
| `policies` | `access_policy.AccessPolicyFromDB`, whose row it does not query | `test_rights_table`, `test_statements` |
| `prepared` | Django's `_prepare_cursor`, to execute prepared statements | `test_statements` |
| `references` | replaces a method of `HrefPrnFieldMixin` | `test_hostile_values` |
| `version_scoping` | replaces a method of `ListRepositoryVersionViewSet` | `test_rights` |

pulpcore's tables are private too. `channels/storage/units`, `channels/storage/fetched_files`,
`channels/changes`, `channels/upkeep/cleanup`, `channels/index`, `models/publication`,
`models/access_statement`, `content/lookup` and `content/fetch/origins` name them in SQL or write to
them without `save`. `test_units`, `test_versions`, `test_tasks`, `test_cleanup`,
`test_access_facts`, `test_index` and `test_serving` compare; `test_spools` and `test_origins` check.
"""  # noqa: E501 (a table)
