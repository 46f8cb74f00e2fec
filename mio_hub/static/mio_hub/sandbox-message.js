/* One message as an element: filled again whenever it changes, so that it stays where it is and keeps the focus. */

import { safe } from "./sandbox-html.js";

const AVATARS = 8; // colours in the style sheet
const FACTOR = 49; // of the hash that picks a colour: with it, the demo's eight people differ
const PICTURE = /\.(png|jpe?g|gif)$/i;
const clock = new Intl.DateTimeFormat([], { hour: "2-digit", minute: "2-digit", hourCycle: "h23" }); // the short one
const template = document.getElementById("message-template");

/** An empty one. */
export function made({ id, author, thread }) {
  const element = template.content.firstElementChild.cloneNode(true);
  element.dataset.id = id;
  if (thread) element.dataset.thread = thread;
  element.setAttribute("aria-label", `Message from ${author}`);
  const avatar = element.querySelector(".avatar");
  avatar.textContent = initials(author);
  avatar.dataset.tint = tint(author);
  return element;
}

/** Write a message into its element. `me` is who looks at it, `pictures` makes the address of the file with a number. */
export function fill(element, message, me, pictures) {
  const part = (name) => element.querySelector(`.${name}`);
  element.toggleAttribute("data-app", message.is_app);
  element.toggleAttribute("data-mine", isOwn(message, me));
  element.toggleAttribute("data-private", Boolean(message.only_for));
  part("author").textContent = message.author;
  part("author").title = message.author; // long names are cut off
  part("app-badge").hidden = !message.is_app;
  part("edited").hidden = !message.edited;
  part("private").hidden = !message.only_for;
  const time = element.querySelector("time");
  time.dateTime = new Date(message.at * 1000).toISOString();
  time.textContent = clock.format(message.at * 1000);
  part("message-body").replaceChildren(safe(message.html));
  fillFiles(part("files"), message.files, pictures);
  fillPills(part("pills"), message.reactions, me);
  if (message.crossing) writeCrossing(part("crossing"), message.crossing);
}

/** Whether somebody may change a message. */
export function isOwn(message, me) {
  return !message.is_app && message.author === me;
}

export function writeCrossing(note, text) {
  note.replaceChildren(sign("bolt", ""), text);
  note.hidden = false;
}

/** A drawing made by the style sheet. */
export function sign(className, description) {
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

function fillFiles(list, names, pictures) {
  list.hidden = !names.length;
  if (list.textContent === names.join("")) return; // nothing new: pictures need not load again
  list.replaceChildren(...names.map((name, number) => file(name, pictures(name, number))));
}

function file(name, address) {
  const item = document.createElement("li");
  const chip = document.createElement("span");
  chip.className = "file";
  chip.append(sign("clip", ""), name);
  item.append(chip);
  if (PICTURE.test(name)) item.append(preview(address));
  return item;
}

function preview(address) {
  const image = new Image();
  image.src = address;
  image.alt = ""; // its name stands beside it
  image.className = "preview";
  image.addEventListener("error", () => image.remove());
  return image;
}

/** Pills that stay are kept, so that only new ones pop up, and the focus is not lost. */
function fillPills(box, reactions, me) {
  const old = new Map([...box.children].map((pill) => [pill.dataset.emoji, pill]));
  const wanted = reactions.map(([emoji, people]) => written(old.get(emoji) ?? newPill(emoji), emoji, people, me));
  for (const pill of old.values()) {
    if (wanted.includes(pill)) continue;
    if (pill === document.activeElement) box.closest(".message").focus();
    pill.remove();
  }
  wanted.forEach((pill, place) => box.children[place] === pill || box.insertBefore(pill, box.children[place] ?? null));
  box.hidden = !wanted.length;
}

function newPill(emoji) {
  const pill = document.createElement("button");
  pill.type = "button";
  pill.className = "pill";
  pill.dataset.emoji = emoji;
  return pill;
}

function written(pill, emoji, people, me) {
  const who = new Intl.ListFormat("en").format(people);
  const picture = document.createElement("span");
  picture.className = "emoji";
  picture.textContent = emoji;
  pill.replaceChildren(picture, ` ${people.length}`);
  pill.title = who;
  pill.setAttribute("aria-label", `${emoji} ${people.length}, from ${who}`);
  pill.setAttribute("aria-pressed", people.includes(me));
  return pill;
}

function initials(name) {
  const words = name.replace(/\(.*?\)/g, "").match(/\p{L}+/gu) ?? ["?"];
  return (words[0][0] + (words.length > 1 ? words.at(-1)[0] : "")).toUpperCase();
}

function tint(name) {
  const person = name.replace(/\s*\(.*?\)/g, ""); // the same colour with and without "(Slack)"
  return ([...person].reduce((sum, letter) => (sum * FACTOR + letter.codePointAt(0)) >>> 0, 0) >>> 4) % AVATARS;
}
