/* A small logo flies from where something was said to where it has just arrived. Pure decoration. */

const calm = matchMedia("(prefers-reduced-motion: reduce)");
const MILLISECONDS = 700; // long enough to follow with the eyes, over before the next message is typed
const HEIGHT = 70; // of the arc, in CSS pixels

/** Let `image` travel from one element to another; done at once for people who prefer calm. */
export async function fly(image, from, to) {
  if (calm.matches || !isOnScreen(from) || !isOnScreen(to)) return;
  const traveller = document.createElement("span");
  traveller.className = "traveller";
  traveller.setAttribute("aria-hidden", "true");
  traveller.append(image.cloneNode());
  document.body.append(traveller);
  try {
    await traveller.animate(arc(centre(from), centre(to)), { duration: MILLISECONDS, easing: "ease-in-out" }).finished;
  } finally {
    traveller.remove();
  }
}

function arc(start, end) {
  const place = (share, size, opacity) => {
    const x = start.x + (end.x - start.x) * share;
    const y = start.y + (end.y - start.y) * share - Math.sin(Math.PI * share) * HEIGHT;
    return { transform: `translate(${x}px, ${y}px) translate(-50%, -50%) scale(${size})`, opacity, offset: share };
  };
  return [place(0, 0.3, 0), place(0.2, 1.1, 1), place(0.4, 1.2, 1), place(0.6, 1.2, 1), place(0.8, 1, 1), place(1, 0.4, 0.6)];
}

function centre(element) {
  const box = element.getBoundingClientRect();
  return { x: box.x + box.width / 2, y: box.y + box.height / 2 };
}

function isOnScreen(element) {
  const { x, y } = centre(element);
  return x > 0 && y > 0 && x < innerWidth && y < innerHeight;
}
