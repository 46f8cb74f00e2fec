/* The sandbox page: four panes, one stream of news, and the Hub's ledger for how long each crossing took. */

import { fly } from "./sandbox-flight.js";
import { Pane } from "./sandbox-pane.js";

const page = document.querySelector(".sandbox");
const trouble = page.querySelector(".sandbox-trouble");
const announcer = document.getElementById("sandbox-news");
const panes = new Map([...page.querySelectorAll(".pane")].map((element) => [element.dataset.platform, new Pane(element)]));
const tabs = new Map([...page.querySelectorAll(".pane-tab")].map((button) => [button.dataset.platform, button]));

const SOON = 250; // ms after which a lost stream is asked for again
const RETRY = 2000; // ms between two further tries
const LOOKS = [60, 150, 400, 1000, 2500, 6000]; // ms after a message at which the ledger is asked about its crossings
const LOST = "The connection to the sandbox was lost. Trying again …";

// --- News

function listen() {
  const stream = new EventSource(page.dataset.stream);
  const on = (name, act) => stream.addEventListener(name, (event) => act(JSON.parse(event.data)));
  on("panes", ({ platforms }) => {
    say("");
    for (const platform of platforms) panes.get(platform.slug)?.fill(platform);
    lookForCrossings(false);
  });
  on("message", ({ platform, conversation, message }) => {
    panes.get(platform)?.show(conversation, message);
    markUnread(platform);
    planLooks();
  });
  on("gone", ({ platform, conversation, id }) => panes.get(platform)?.remove(conversation, id));
  stream.addEventListener("error", () => {
    stream.close();
    lost(LOST, SOON);
  });
}

function lost(why, pause = RETRY) {
  say(why);
  setTimeout(comeBack, pause);
}

/** An EventSource that fails does not tell why; asking by other means does. */
async function comeBack() {
  const asking = new AbortController();
  try {
    const answer = await fetch(page.dataset.stream, { signal: asking.signal });
    if (answer.ok) listen();
    else lost(answer.status === 503 ? (await answer.json()).error : LOST);
  } catch {
    lost("The Hub cannot be reached. Trying again …");
  } finally {
    asking.abort();
  }
}

function say(text) {
  if (trouble.textContent !== text) trouble.textContent = text;
  trouble.hidden = !text;
}

// --- Crossings

let looks = [];

function planLooks() {
  looks.forEach(clearTimeout);
  looks = LOOKS.map((pause) => setTimeout(lookForCrossings, pause, true));
}

async function lookForCrossings(isNews) {
  const answer = await fetch(page.dataset.crossings).catch(() => null);
  if (!answer?.ok) return;
  const { crossings } = await answer.json();
  const arrived = crossings.reverse().filter((crossing) => note(crossing, isNews));
  if (isNews && arrived.length) announce(arrived);
}

function note({ platform, conversation, id, origin, ms }, isNews) {
  const source = panes.get(origin);
  const written = panes.get(platform)?.note(conversation, id, source?.label ?? origin, ms);
  if (written && isNews && source) {
    written.classList.add("is-new");
    fly(source.logo, source.latestOwn, written);
  }
  return Boolean(written);
}

function announce(arrived) {
  const where = [...new Set(arrived.map(({ platform }) => panes.get(platform).label))];
  announcer.textContent = `Arrived in ${new Intl.ListFormat("en").format(where)}.`;
}

// --- Getting around

/** Ctrl or Alt with a digit. The key's place counts, for Alt with a digit types other signs on some keyboards. */
function jump(event) {
  const digit = /^(?:Digit|Numpad)([1-9])$/.exec(event.code)?.[1];
  if (!digit || !(event.altKey || event.ctrlKey) || event.metaKey || event.getModifierState("AltGraph")) return;
  const pane = [...panes.values()][digit - 1];
  if (!pane) return;
  event.preventDefault();
  pane.focus();
}

function markUnread(platform) {
  if (tabs.get(platform).getAttribute("aria-current") !== "true") tabs.get(platform).dataset.unread = "";
}

const watcher = new IntersectionObserver(
  (entries) => {
    for (const { target, isIntersecting } of entries) {
      const tab = tabs.get(target.dataset.platform);
      tab.setAttribute("aria-current", isIntersecting);
      if (isIntersecting) delete tab.dataset.unread;
    }
  },
  { threshold: 0.6 },
);

for (const pane of panes.values()) watcher.observe(pane.element);
for (const [slug, tab] of tabs) tab.addEventListener("click", () => panes.get(slug).focus());
addEventListener("keydown", jump);
listen();
