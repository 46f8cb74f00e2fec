/* One platform's window: its channels, its messages, and a place to write. */

import { Composer } from "./sandbox-composer.js";
import { equip, hold } from "./sandbox-deeds.js";
import { fill, isOwn, made, sign, writeCrossing } from "./sandbox-message.js";

const LONGEST = 60; // messages kept per channel, as many as the sandbox tells
const NEAR_END = 80; // CSS pixels from the end within which new messages scroll into view
const pictures = document.querySelector(".sandbox").dataset.pictures;

export class Pane {
  constructor(element) {
    this.element = element;
    this.slug = element.dataset.platform;
    this.label = element.dataset.label;
    this.logo = element.querySelector(".pane-head img");
    this.log = element.querySelector(".pane-log");
    this.composer = new Composer(element, (event) => this.#climb(event));
    this.form = this.composer.form;
    this.text = this.composer.text;
    this.who = this.form.elements.person;
    this.places = new Map(); // by conversation: {name, linked, messages: Map by id}
    this.current = "";
    element.style.setProperty("--brand", element.dataset.colour);
    this.who.addEventListener("change", () => this.#begin());
    this.log.addEventListener("click", ({ target }) => this.#toggle(target.closest(".pill")));
    this.log.addEventListener("keydown", ({ key }) => key === "Escape" && this.text.focus());
    new ResizeObserver(() => this.#follow()).observe(this.log);
    const note = "mute" in element.dataset ? `${this.label} tells no app about reactions: this one stays here.` : "";
    equip(this.log, note, (id) => this.#allowed(id), (deed, id, emoji) => this.#act(deed, id, emoji));
  }

  /** Everything the platform shows, as the stream tells it when it begins. */
  fill({ people, places, ask }) {
    this.ask = ask;
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
    else if (!message.only_for) this.#button(conversation).dataset.unread = "";
  }

  /** A message was deleted. */
  remove(conversation, id) {
    this.places.get(conversation)?.messages.delete(id);
    const element = this.#find(id);
    if (!element) return;
    const next = element.nextElementSibling ?? element.previousElementSibling ?? this.log;
    if (element.contains(document.activeElement)) next.focus();
    element.remove();
    for (const answer of this.#answers(id)) answer.dataset.orphan = "";
  }

  /** Note how long a copy was under way. Returns where that is written, if it is news and on the screen. */
  note(conversation, id, origin, milliseconds) {
    const message = this.places.get(conversation)?.messages.get(id);
    if (!message || message.crossing) return null;
    message.crossing = `${milliseconds} ms from ${origin}`;
    const element = conversation === this.current && this.#find(id);
    if (!element) return null;
    const note = element.querySelector(".crossing");
    writeCrossing(note, message.crossing);
    this.#follow();
    return note;
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
    this.text.placeholder = place ? `Write here, or ${this.ask}` : "";
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

  /** Somebody else looks, or elsewhere: what was begun there ends. */
  #begin() {
    this.composer.cancel();
    this.#draw();
  }

  #switch(conversation) {
    this.current = conversation;
    this.#begin();
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
    const message = this.#message(id);
    if (message.only_for && message.only_for !== this.who.value) return;
    const known = this.#find(id);
    const element = known ?? made(message);
    const wasAtEnd = this.#isAtEnd();
    const me = this.who.selectedOptions[0]?.label;
    fill(element, message, me, (name, number) => this.#picture(id, name, number));
    if (!known) this.#place(element, message);
    if (!known && isOwn(message, me) && message.thread) element.scrollIntoView({ block: "nearest", inline: "nearest" });
    else if (wasAtEnd || (!known && isOwn(message, me))) this.log.scrollTop = this.log.scrollHeight;
  }

  /** At the end, or after the last answer of its thread. */
  #place(element, { thread }) {
    this.log.querySelector(".pane-empty")?.remove();
    const before = thread && (this.#answers(thread).at(-1) ?? this.#find(thread));
    if (before) before.after(element);
    else this.log.append(element);
    if (thread && !this.#find(thread)) element.dataset.orphan = "";
    hold(this.log, this.log.lastElementChild);
  }

  #answers(root) {
    return [...this.log.querySelectorAll(".message")].filter((each) => each.dataset.thread === root);
  }

  #message(id) {
    return this.places.get(this.current).messages.get(id);
  }

  #picture(message, name, number) {
    return `${pictures}?${new URLSearchParams({ platform: this.slug, conversation: this.current, message, name, number })}`;
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

  // --- Doing

  #allowed(id) {
    const message = this.#message(id);
    if (message.only_for) return [];
    return isOwn(message, this.who.selectedOptions[0]?.label) ? ["react", "reply", "edit", "delete"] : ["react", "reply"];
  }

  #act(deed, id, emoji) {
    if (deed === "reply") this.composer.reply(this.#message(id));
    else if (deed === "edit") this.composer.edit(this.#message(id), this.#find(id).querySelector(".message-body").innerText);
    else this.composer.act(deed, id, emoji);
  }

  #toggle(pill) {
    if (pill) this.#act("react", pill.closest(".message").dataset.id, pill.dataset.emoji);
  }

  #climb(event) {
    const message = this.log.querySelector('.message[tabindex="0"]');
    if (message) event.preventDefault();
    message?.focus();
  }
}

function byId(messages) {
  return new Map(messages.map((message) => [message.id, message]));
}
