/* Messages come as HTML that the sandbox has made safe. It is rebuilt here from a short list of elements all the same:
   whatever is not on it leaves only its text. */

const ELEMENTS = new Set([
  "P", "BR", "B", "STRONG", "I", "EM", "S", "DEL", "U", "CODE", "PRE", "BLOCKQUOTE", "UL", "OL", "LI", "A", "SPAN",
  "H1", "H2", "H3", "H4", "H5", "H6", "DIV",
  "TABLE", "TBODY", "TR", "TH", "TD", "HR",
]);
const SILENT = new Set(["SCRIPT", "STYLE", "TEMPLATE", "IFRAME", "OBJECT", "SVG", "MATH", "NOSCRIPT"]);
const HEADING = /^H[1-6]$/;
const LINK = /^(https?|mailto):/i;

/** A fragment that is safe to insert. */
export function safe(html) {
  const parsed = new DOMParser().parseFromString(html, "text/html"); // inert: nothing in it runs or loads
  const fragment = document.createDocumentFragment();
  copy(parsed.body, fragment);
  return fragment;
}

function copy(from, to) {
  for (const node of from.childNodes) {
    if (node.nodeType === Node.TEXT_NODE) {
      to.append(node.data);
    } else if (node.nodeType === Node.ELEMENT_NODE && !SILENT.has(node.nodeName.toUpperCase())) {
      const element = rebuilt(node);
      copy(node, element ?? to);
      if (element) to.append(element);
    }
  }
}

function rebuilt(node) {
  if (!ELEMENTS.has(node.nodeName)) return null;
  if (HEADING.test(node.nodeName)) return marked("p", "heading"); // the page has an outline of its own
  if (node.nodeName === "A") return link(node.getAttribute("href") ?? "");
  const element = document.createElement(node.nodeName);
  if (node.classList.contains("mention")) element.className = "mention";
  if (node.nodeName === "OL" && node.start > 1) element.start = node.start;
  return element;
}

function marked(name, className) {
  const element = document.createElement(name);
  element.className = className;
  return element;
}

function link(address) {
  if (!LINK.test(address)) return document.createElement("span");
  const element = document.createElement("a");
  element.href = address;
  element.rel = "noopener noreferrer nofollow";
  element.target = "_blank";
  return element;
}
