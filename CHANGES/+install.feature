A guide to installing Pulp with the plugin on a bare machine, to backups and to upgrades. Its commands were run one after the other.
