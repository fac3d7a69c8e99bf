Conda channels in Pulp. Packages are fully validated, and uploaded by `PUT` to the registry's URLs or by Pulp's REST API. When the answer is 201, every conda client can install them.
