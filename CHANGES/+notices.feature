Channel notices (CEP 6), managed over REST, which conda and pixi show to a channel's users.
