/* One platform's window: its channels, its messages, and a place to write. */

import { safe } from "./sandbox-html.js";

const AVATARS = 8; // colours in the style sheet
const FACTOR = 49; // of the hash that picks a colour: with it, the demo's eight people differ
const LONGEST = 60; // messages kept per channel, as many as the sandbox tells
const NEAR_END = 80; // CSS pixels from the end within which new messages scroll into view
const clock = new Intl.DateTimeFormat([], { hour: "2-digit", minute: "2-digit", hourCycle: "h23" }); // the short one
const template = document.getElementById("message-template");

export class Pane {
  constructor(element) {
    this.element = element;
    this.slug = element.dataset.platform;
    this.label = element.dataset.label;
    this.logo = element.querySelector(".pane-head img");
    this.log = element.querySelector(".pane-log");
    this.form = element.querySelector("form");
    this.text = this.form.elements.text;
    this.who = this.form.elements.person;
    this.error = element.querySelector(".composer-error");
    this.places = new Map(); // by conversation: {name, linked, messages: Map by id}
    this.current = "";
    element.style.setProperty("--brand", element.dataset.colour);
    this.form.addEventListener("submit", (event) => this.#send(event));
    this.text.addEventListener("keydown", (event) => this.#sendOnEnter(event));
    this.who.addEventListener("change", () => this.#draw());
  }

  /** Everything the platform shows, as the stream tells it when it begins. */
  fill({ people, places }) {
    const chosen = this.who.value;
    this.who.replaceChildren(...people.map(({ name, id }) => new Option(name, id, false, id === chosen)));
    this.places = new Map(places.map((place) => [place.conversation, { ...place, messages: byId(place.messages) }]));
    if (!this.places.has(this.current)) this.current = places[0]?.conversation ?? "";
    this.form.querySelector("fieldset").disabled = false;
    this.#draw();
  }

  /** A message that is new or was changed. Returns its element if it is on the screen. */
  show(conversation, message) {
    const place = this.places.get(conversation);
    if (!place) return;
    place.messages.set(message.id, { ...place.messages.get(message.id), ...message });
    if (place.messages.size > LONGEST) place.messages.delete(place.messages.keys().next().value);
    if (conversation === this.current) this.#put(message.id);
    else this.#button(conversation).dataset.unread = "";
  }

  /** A message was deleted. */
  remove(conversation, id) {
    this.places.get(conversation)?.messages.delete(id);
    this.#find(id)?.remove();
  }

  /** Note how long a copy was under way. Returns where that is written, if it is news and on the screen. */
  note(conversation, id, origin, milliseconds) {
    const message = this.places.get(conversation)?.messages.get(id);
    if (!message || message.crossing) return null;
    message.crossing = `${milliseconds} ms from ${origin}`;
    const element = conversation === this.current && this.#find(id);
    if (!element) return null;
    this.#writeCrossing(element, message);
    this.#follow();
    return element.querySelector(".crossing");
  }

  /** The latest message somebody typed here: where a copy that is found elsewhere set out. */
  get latestOwn() {
    return [...this.log.querySelectorAll(".message:not([data-app])")].at(-1) ?? this.logo;
  }

  focus() {
    this.element.scrollIntoView({ block: "nearest", inline: "center" });
    this.text.focus();
  }

  // --- Drawing

  #draw() {
    const place = this.places.get(this.current);
    this.element.querySelector(".pane-places").replaceChildren(...[...this.places.values()].map((each) => this.#tab(each)));
    this.form.elements.conversation.value = this.current;
    this.text.placeholder = place ? `Message #${place.name}` : "";
    this.#hint(place);
    this.log.replaceChildren();
    for (const id of place?.messages.keys() ?? []) this.#put(id);
    if (place && !place.messages.size) this.log.append(this.#nothingYet(place));
    this.log.scrollTop = this.log.scrollHeight;
  }

  #tab({ name, conversation, linked }) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "place";
    button.dataset.conversation = conversation;
    button.setAttribute("aria-pressed", conversation === this.current);
    button.append(`# ${name}`);
    if (linked) button.append(sign("place-link", "linked to the other platforms"));
    button.addEventListener("click", () => this.#switch(conversation));
    return button;
  }

  #switch(conversation) {
    this.current = conversation;
    this.#draw();
    this.#button(conversation).focus();
  }

  #button(conversation) {
    return [...this.element.querySelectorAll(".place")].find((each) => each.dataset.conversation === conversation);
  }

  #hint(place) {
    const hint = this.element.querySelector(".pane-hint");
    hint.hidden = !place || place.linked;
    hint.textContent = `Not linked: what is said here stays in ${this.label}.`;
  }

  #nothingYet(place) {
    const text = document.createElement("p");
    text.className = "pane-empty";
    if (place.linked) text.textContent = "All quiet. Say hello to the other platforms 👋";
    else text.textContent = `Just ${this.label} in here. A good place for secrets about the coffee machine ☕`;
    return text;
  }

  #put(id) {
    const message = this.places.get(this.current).messages.get(id);
    const element = this.#element(message);
    const old = this.#find(id);
    const wasAtEnd = this.#isAtEnd();
    this.log.querySelector(".pane-empty")?.remove();
    if (old) old.replaceWith(element);
    else this.log.append(element);
    if (wasAtEnd || element.dataset.mine !== undefined) this.log.scrollTop = this.log.scrollHeight;
  }

  #element(message) {
    const element = template.content.firstElementChild.cloneNode(true);
    element.dataset.id = message.id;
    if (message.is_app) element.dataset.app = "";
    else if (message.author === this.who.selectedOptions[0]?.label) element.dataset.mine = "";
    const avatar = element.querySelector(".avatar");
    avatar.textContent = initials(message.author);
    avatar.dataset.tint = tint(message.author);
    element.querySelector(".author").textContent = message.author;
    element.querySelector(".author").title = message.author; // long names are cut off
    element.querySelector(".app-badge").hidden = !message.is_app;
    element.querySelector(".app-badge").textContent = "app";
    const time = element.querySelector("time");
    time.dateTime = new Date(message.at * 1000).toISOString();
    time.textContent = clock.format(message.at * 1000);
    element.querySelector(".message-body").append(safe(message.html));
    if (message.crossing) this.#writeCrossing(element, message);
    return element;
  }

  #writeCrossing(element, { crossing }) {
    const note = element.querySelector(".crossing");
    note.replaceChildren(sign("bolt", ""), crossing);
    note.hidden = false;
  }

  #find(id) {
    return [...this.log.querySelectorAll(".message")].find((each) => each.dataset.id === id);
  }

  #isAtEnd() {
    return this.log.scrollHeight - this.log.scrollTop - this.log.clientHeight < NEAR_END;
  }

  #follow() {
    if (this.#isAtEnd()) this.log.scrollTop = this.log.scrollHeight;
  }

  // --- Writing

  #sendOnEnter(event) {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    this.form.requestSubmit();
  }

  async #send(event) {
    event.preventDefault();
    if (!this.text.value.trim()) return;
    const words = new FormData(this.form);
    const written = this.text.value;
    this.text.value = "";
    const problem = await posted(this.form.action, words);
    this.error.textContent = problem;
    this.error.hidden = !problem;
    if (problem && !this.text.value) this.text.value = written; // nothing that was typed is lost
  }
}

/** Post a form; resolves to what went wrong, in words, or to nothing. */
async function posted(address, words) {
  try {
    const answer = await fetch(address, { method: "POST", body: words });
    return answer.ok ? "" : ((await answer.json()).error ?? "This could not be sent.");
  } catch {
    return "The Hub could not be reached, so this was not sent. Your text is kept.";
  }
}

function byId(messages) {
  return new Map(messages.map((message) => [message.id, message]));
}

function initials(name) {
  const words = name.replace(/\(.*?\)/g, "").match(/\p{L}+/gu) ?? ["?"];
  return (words[0][0] + (words.length > 1 ? words.at(-1)[0] : "")).toUpperCase();
}

function tint(name) {
  const person = name.replace(/\s*\(.*?\)/g, ""); // the same colour with and without "(Slack)"
  return ([...person].reduce((sum, letter) => (sum * FACTOR + letter.codePointAt(0)) >>> 0, 0) >>> 4) % AVATARS;
}

function sign(className, description) {
  const element = document.createElement("span");
  element.className = className;
  if (description) {
    element.setAttribute("role", "img");
    element.setAttribute("aria-label", description);
  } else {
    element.setAttribute("aria-hidden", "true");
  }
  return element;
}
