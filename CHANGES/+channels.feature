Conda channels in Pulp: packages are validated in full, uploaded by `PUT` to the registry's URLs or over Pulp's REST API, and installable by every conda client when the answer is 201.
