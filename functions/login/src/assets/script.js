// Makes the pages comfortable; each works without it.
(() => {
  "use strict";
  const all = (selector) => document.querySelectorAll(selector);

  for (const button of all("button.show")) {
    const field = document.getElementById(button.getAttribute("aria-controls"));
    const texts = [button.textContent, button.dataset.hide];
    button.hidden = false;
    button.addEventListener("click", () => {
      const shown = field.type === "text";
      field.type = shown ? "password" : "text";
      button.textContent = texts[shown ? 0 : 1];
      field.focus();
    });
    // A browser does not offer to save what is sent as plain text.
    if (field.form) field.form.addEventListener("submit", () => (field.type = "password"));
  }

  // The secret of a link is in the fragment: it goes into the form and out of the address. Only the
  // person sends the form.
  const link = document.querySelector("form[data-link]");
  const fill = () => {
    const secret = location.hash.slice(1);
    if (!link || !secret || secret === "link") return;
    link.elements.link.value = secret;
    link.querySelector(".field").hidden = true;
    history.replaceState(null, "", location.pathname + location.search);
    link.querySelector("button[type=submit]").focus();
  };
  fill();
  addEventListener("hashchange", fill);

  // A double click sends a form once.
  const sent = new Set();
  addEventListener("submit", (event) => {
    const form = event.target;
    if (sent.has(form)) return event.preventDefault();
    sent.add(form);
    setTimeout(() => sent.delete(form), 3000);
  });
  addEventListener("pageshow", () => sent.clear());

  // The answer to an application.
  const answer = document.querySelector("form[data-send]");
  if (answer) answer.requestSubmit();
})();
