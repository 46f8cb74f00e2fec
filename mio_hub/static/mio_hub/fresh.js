/* A part of a page that htmx fetches again and again stays untouched while it says the same: nothing flickers, no focus
   moves, no screen reader starts anew. A page without that part (signed out meanwhile) does not wipe it away either. */
document.addEventListener("htmx:beforeSwap", ({ detail }) => {
  const page = new DOMParser().parseFromString(detail.serverResponse, "text/html");
  const fresh = page.getElementById(detail.target.id);
  if (!fresh || fresh.textContent === detail.target.textContent) {
    detail.shouldSwap = false;
  }
});
