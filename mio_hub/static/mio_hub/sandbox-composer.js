/* The place to write: new messages, answers, corrections and files. */

const page = document.querySelector(".sandbox");
const LARGEST = Number(page.dataset.largest); // bytes of a file
const MEGABYTE = 1024 * 1024;
const PLAIN = { deed: "say" };

export class Composer {
  #intent = PLAIN; // what the next Enter does: a deed, perhaps with a message or a file
  #draft = ""; // what was in the field when a correction began
  #typed = new Map(); // as it was typed, by message: corrections begin with it

  /** `leave` is called when the arrow up leaves the empty field. */
  constructor(pane, leave) {
    this.form = pane.querySelector("form");
    this.text = this.form.elements.text;
    this.error = pane.querySelector(".composer-error");
    this.banner = this.form.querySelector(".intent");
    const chooser = this.form.querySelector('[type="file"]');
    this.form.addEventListener("submit", (event) => this.#send(event));
    this.text.addEventListener("keydown", (event) => this.#key(event, leave));
    this.banner.querySelector("button").addEventListener("click", () => this.cancel());
    this.form.addEventListener("keydown", ({ key }) => key === "Escape" && this.cancel());
    this.form.querySelector(".composer-attach").addEventListener("click", () => chooser.click());
    chooser.addEventListener("change", () => {
      this.#attach(chooser.files[0]);
      chooser.value = ""; // the same file may be chosen again
    });
    this.text.addEventListener("paste", (event) => this.#take(event, event.clipboardData));
    pane.addEventListener("dragover", (event) => {
      if (![...event.dataTransfer.types].includes("Files")) return;
      event.preventDefault();
      pane.dataset.dropping = "";
    });
    for (const name of ["dragleave", "drop"]) pane.addEventListener(name, () => delete pane.dataset.dropping);
    pane.addEventListener("drop", (event) => this.#take(event, event.dataTransfer));
  }

  reply({ id, author }) {
    this.#begin({ deed: "reply", message: id }, `Reply to ${author}`);
  }

  /** `words` are what people see, for messages that were not typed on this page. */
  edit({ id }, words) {
    this.cancel();
    this.#draft = this.text.value;
    this.text.value = this.#typed.get(id) ?? words;
    this.#begin({ deed: "edit", message: id }, "Change your message");
  }

  /** Back to writing something new. */
  cancel() {
    if (this.#intent === PLAIN) return;
    if (this.#intent.deed === "edit") this.text.value = this.#draft;
    this.#begin(PLAIN, "");
  }

  /** Do something else at once, as the person chosen here. */
  async act(deed, message, emoji = "") {
    const words = this.#words({ message });
    words.set("text", "");
    words.set("emoji", emoji);
    const { problem } = await this.#posted(deed, words);
    this.#complain(problem);
  }

  #begin(intent, label) {
    this.#intent = intent;
    this.#complain("");
    this.banner.hidden = !label;
    this.banner.querySelector("span").textContent = label;
    this.text.required = intent.deed !== "share";
    this.text.focus();
  }

  #take(event, { files }) {
    if (!files.length) return;
    event.preventDefault();
    this.#attach(files[0]);
  }

  #attach(file) {
    if (!file) return;
    if (file.size > LARGEST) {
      this.#complain(`${file.name} has ${(file.size / MEGABYTE).toFixed(1)} MB; ${LARGEST / MEGABYTE} MB is the most here.`);
    } else {
      this.cancel();
      this.#begin({ deed: "share", file }, file.name);
    }
  }

  #key(event, leave) {
    if (event.isComposing) return;
    if (event.key === "ArrowUp" && !this.text.value) leave(event);
    if (event.key !== "Enter" || event.shiftKey) return;
    event.preventDefault();
    this.form.requestSubmit();
  }

  async #send(event) {
    event.preventDefault();
    const [intent, written] = [this.#intent, this.text.value];
    if (!written.trim() && !intent.file) return;
    const words = this.#words(intent);
    this.text.value = "";
    this.cancel();
    const { problem, id } = await this.#posted(intent.deed, words);
    if (!problem) this.#typed.set(id ?? intent.message, written);
    else if (this.#intent === PLAIN) this.#restore(intent, written); // nothing that was typed is lost
    this.#complain(problem);
  }

  #restore(intent, written) {
    if (intent.deed === "edit") this.#draft = this.text.value;
    else if (this.text.value) return; // the next one is being typed already
    const label = { reply: "Reply", edit: "Change your message", share: intent.file?.name }[intent.deed];
    this.#begin(intent, label ?? "");
    this.text.value = written;
  }

  #words({ message = "", file }) {
    const words = new FormData(this.form);
    words.set("message", message);
    if (file) words.set("file", file);
    return words;
  }

  #complain(problem) {
    this.error.textContent = problem;
    this.error.hidden = !problem;
  }

  /** Post it; resolves to what went wrong, in words, or to what came of it. */
  async #posted(deed, words) {
    try {
      const answer = await fetch(new URL(`../${deed}/`, this.form.action), { method: "POST", body: words });
      const { id, error } = await answer.json();
      return { id, problem: answer.ok ? "" : (error ?? "This could not be done.") };
    } catch {
      const kept = words.get("text") ? " Your text is kept." : "";
      return { problem: `The Hub could not be reached, so this was not sent.${kept}` };
    }
  }
}
