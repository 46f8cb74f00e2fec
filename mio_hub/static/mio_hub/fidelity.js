/* The preview: what is typed is drawn by the Hub for all platforms, a moment after the last key. */

import { safe } from "./sandbox-html.js";

const PAUSE = 250; // ms without a key before the Hub is asked: below it, fast typists would ask for every letter
const form = document.querySelector(".preview-form");
const error = document.getElementById("preview-error");
const news = document.getElementById("preview-news");
const template = document.getElementById("preview-message");
const panes = new Map([...document.querySelectorAll(".pane")].map((element) => [element.dataset.platform, element]));

let timer = 0;
let asking = new AbortController();

form.addEventListener("submit", (event) => event.preventDefault());
form.elements.text.addEventListener("input", () => {
  clearTimeout(timer);
  timer = setTimeout(draw, PAUSE);
});
draw();

async function draw() {
  asking.abort(); // an answer about an older text would overwrite this one's
  asking = new AbortController();
  try {
    const answer = await fetch(form.action, { method: "POST", body: new FormData(form), signal: asking.signal });
    const told = await answer.json();
    complain(told.error ?? "");
    for (const pane of told.panes ?? []) show(panes.get(pane.slug), pane);
    if (told.panes) announce(told.panes);
  } catch (fault) {
    if (fault.name !== "AbortError") complain("The Hub could not be reached. Go on typing to try again.");
  }
}

function complain(text) {
  error.textContent = text;
  error.hidden = !text;
}

function show(pane, { messages, payloads, changes }) {
  pane.querySelector(".preview-log").replaceChildren(...messages.map(message));
  pane.querySelector(".preview-changes").replaceChildren(...changes.map((text) => element("li", text)));
  pane.querySelector(".preview-payload").hidden = !payloads.length;
  pane.querySelector(".preview-payload pre").textContent = payloads.join("\n\n");
}

function message(html) {
  const drawn = template.content.cloneNode(true);
  drawn.querySelector(".message-body").append(safe(html));
  return drawn;
}

function element(name, text) {
  const made = document.createElement(name);
  made.textContent = text;
  return made;
}

/** Heard only when something differs from what was heard before: not at every key. */
function announce(told) {
  const text = told.map(({ slug, changes }) => `${panes.get(slug).dataset.label}: ${changes.join(" ")}`).join(" ");
  if (news.textContent !== text) news.textContent = text;
}
