Records of other servers are kept as they are, with unknown fields, nulls and whole floats. If an upstream does not say the run
exports of a package, the channel does not claim that there are none: they are absent from shards and `run_exports.json` (CEP 21).
