/* What can be done with a message: a small bar that sits on the one under the mouse or with the focus, and the picker. */

const template = document.getElementById("deeds-template");
const picker = document.getElementById("picker");
const GAP = 4; // CSS pixels between a button and the picker
let pick = null; // what happens with the emoji that is picked next

/** Gives a log its bar. `allowed(id)` tells the deeds for a message, `act(deed, id)` does one. */
export function equip(log, note, allowed, act) {
  const bar = template.content.firstElementChild.cloneNode(true);
  const show = (message) => {
    if (picker.matches(":popover-open") || bar.parentElement === message) return;
    const deeds = allowed(message.dataset.id);
    for (const button of bar.children) button.hidden = !deeds.includes(button.dataset.deed);
    if (deeds.length) message.append(bar);
    else bar.remove();
  };
  const leave = () => {
    if (!picker.matches(":popover-open") && !bar.parentElement?.matches(":hover, :focus-within")) bar.remove();
  };
  log.addEventListener("pointerover", ({ target, pointerType }) => {
    const message = pointerType === "mouse" && target.closest(".message");
    if (message) show(message);
  });
  log.addEventListener("pointerleave", leave);
  log.addEventListener("focusin", ({ target }) => {
    const message = target.closest(".message");
    if (message) hold(log, message);
    if (message) show(message);
  });
  log.addEventListener("focusout", () => setTimeout(leave)); // later: the focus also leaves what is being moved
  log.addEventListener("keydown", (event) => walk(event, log));
  bar.addEventListener("click", ({ target }) => {
    const button = target.closest("button");
    const id = bar.parentElement.dataset.id;
    if (button?.dataset.deed === "react") open(button, note, (emoji) => act("react", id, emoji));
    else if (button) act(button.dataset.deed, id);
  });
}

/** One message per log is a stop of the Tab key; the arrows lead to the others. */
export function hold(log, message) {
  log.querySelector('.message[tabindex="0"]')?.setAttribute("tabindex", "-1");
  message.tabIndex = 0;
}

function walk(event, log) {
  if (!event.target.matches(".message")) return;
  const messages = [...log.querySelectorAll(".message")];
  const here = messages.indexOf(event.target);
  const there = { ArrowUp: here - 1, ArrowDown: here + 1, Home: 0, End: messages.length - 1 }[event.key];
  if (there === undefined) return;
  event.preventDefault();
  messages[there]?.focus();
}

function open(button, note, action) {
  pick = action;
  const remark = picker.querySelector(".picker-note");
  remark.textContent = note;
  remark.hidden = !note;
  picker.reset();
  picker.showPopover();
  const anchor = button.getBoundingClientRect();
  const { width, height } = picker.getBoundingClientRect();
  const below = anchor.bottom + GAP;
  picker.style.top = `${below + height < innerHeight ? below : Math.max(GAP, anchor.top - GAP - height)}px`;
  picker.style.left = `${Math.max(GAP, Math.min(anchor.right, innerWidth - GAP) - width)}px`;
  picker.querySelector("button").focus();
}

function picked(emoji) {
  picker.hidePopover();
  pick?.(emoji);
}

picker.addEventListener("click", ({ target }) => {
  if (target.dataset.emoji) picked(target.dataset.emoji);
});
picker.addEventListener("submit", (event) => {
  event.preventDefault();
  picked(picker.elements.emoji.value.trim());
});
