Channels have notices (CEP 6), which conda and pixi show to their users. They are managed over Pulp's REST API.
