// Everything works without this file. It follows what happens to an invoice, and
// copies links.
"use strict";

const pause = (ms) => new Promise((done) => setTimeout(done, ms));

// follow asks for a part of the page again and again and shows what is new.
async function follow(box) {
  const said = document.getElementById("said");
  let tag = "";
  let wait = 700;
  for (;;) {
    await pause(wait);
    if (document.hidden) continue;
    try {
      const answer = await fetch(box.dataset.live, {
        cache: "no-store",
        credentials: "same-origin",
        headers: tag ? { "If-None-Match": tag } : {},
      });
      if (answer.status === 401 || answer.status === 403 || answer.redirected) {
        location.reload();
        return;
      }
      wait = answer.ok || answer.status === 304 ? 700 : Math.min(wait * 2, 30000);
      if (!answer.ok) continue;
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").body;
      const first = tag === "";
      tag = answer.headers.get("ETag") || "";
      if (first && fresh.textContent === box.textContent) continue;
      box.replaceChildren(...fresh.childNodes);
      const now = box.querySelector("[data-said]");
      if (said && now && said.textContent !== now.dataset.said) said.textContent = now.dataset.said;
    } catch {
      wait = Math.min(wait * 2, 30000);
    }
  }
}

for (const box of document.querySelectorAll("[data-live]")) follow(box);

for (const button of document.querySelectorAll("button[data-copy]")) {
  const field = document.getElementById(button.dataset.copy);
  const label = button.textContent;
  button.hidden = false;
  button.addEventListener("click", async () => {
    field.select();
    try {
      await navigator.clipboard.writeText(field.value);
    } catch {
      document.execCommand("copy");
    }
    button.textContent = button.dataset.done;
    await pause(2000);
    button.textContent = label;
  });
}
