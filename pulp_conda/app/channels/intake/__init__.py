"""How a package, or a set of patches, comes in: received, validated, saved."""
