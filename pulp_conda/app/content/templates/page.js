"use strict";
// The page works without this script, which adds buttons to copy and a search while typing.
for (const snippet of document.querySelectorAll(".snippet")) {
  if (!navigator.clipboard) break;
  const button = document.createElement("button");
  button.type = "button";
  button.className = "copy";
  button.textContent = "Copy";
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(snippet.querySelector("code").textContent);
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = "Copy"; }, 1500);
  });
  snippet.append(button);
}
const input = document.querySelector("#q");
if (input) {
  let timer = 0;
  let running = null;
  const search = async () => {
    running?.abort();
    running = new AbortController();
    const url = input.value.trim() ? "?q=" + encodeURIComponent(input.value.trim()) : "?";
    try {
      const answer = await fetch(url, { signal: running.signal });
      if (!answer.ok) return;
      const found = new DOMParser().parseFromString(await answer.text(), "text/html");
      const results = found.querySelector("#results");
      if (results) document.querySelector("#results").replaceWith(results);
      history.replaceState(null, "", url);
    } catch (error) {
      if (error.name !== "AbortError") throw error;
    }
  };
  input.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(search, 200);
  });
}
