// Passkeys. Without WebAuthn Level 3 their forms stay hidden.
(() => {
  const Passkey = self.PublicKeyCredential;
  if (!Passkey?.parseRequestOptionsFromJSON) return;
  const find = (id) => document.getElementById(id);
  const failed = (is) => (find("passkey-error").hidden = !is);
  const options = async (form) => {
    const content = await (await fetch(form.dataset.options, { method: "POST" })).json();
    // To sign in again.
    if (content.location) location = content.location;
    return content;
  };
  const send = (form, credential) => {
    form.elements.credential.value = JSON.stringify(credential);
    form.submit();
  };

  const signIn = find("passkey");
  if (signIn) {
    let current, offered;
    // Each request aborts the one before.
    const ask = async (mediation) => {
      current?.abort();
      const mine = (current = new AbortController());
      offered = mediation;
      try {
        const publicKey = Passkey.parseRequestOptionsFromJSON(await options(signIn));
        const asked = { publicKey, mediation, signal: mine.signal };
        const credential = await navigator.credentials.get(asked);
        signIn.elements.keep.value = document.querySelector("#keep:checked") ? 1 : "";
        send(signIn, credential);
      } catch {
        if (mediation || mine != current) return;
        failed(true);
        offer();
      }
    };
    // In the list of the username field.
    const offer = async () => {
      const before = current;
      const can = await Passkey.isConditionalMediationAvailable();
      if (can && current == before) ask("conditional");
    };
    find("passkey-button").onclick = () => {
      failed(false);
      ask();
    };
    signIn.hidden = false;
    offer();
    // A challenge ends after 5 minutes.
    setInterval(() => offered && ask(offered), 240000);
  }

  const add = find("passkey-add");
  if (add) {
    add.onsubmit = async (event) => {
      event.preventDefault();
      failed(false);
      try {
        const publicKey = Passkey.parseCreationOptionsFromJSON(await options(add));
        send(add, await navigator.credentials.create({ publicKey }));
      } catch {
        failed(true);
      }
    };
    add.hidden = false;
  }
})();
