// A passkey that was refused or cancelled: allauth's scripts only tell the console, we tell the person.
document.addEventListener("allauth.error", (event) => {
  event.preventDefault();
  const trouble = document.getElementById("passkey-trouble");
  (document.querySelector("main .card") ?? document.querySelector("main")).prepend(trouble);
  trouble.hidden = false;
});
