// The card's fields, in a frame of the simulator's origin. Only a token leaves it, and only to the page around it.
(() => {
  "use strict";

  const options = new URLSearchParams(window.location.search);
  const key = options.get("key");
  const around = options.get("origin");
  const WORDS = {
    en: {
      number: "Card number",
      expiry: "Expiration date",
      cvc: "Security code",
      incomplete_number: "Your card number is incomplete.",
      incomplete_expiry: "Your card's expiration date is incomplete.",
      incomplete_cvc: "Your card's security code is incomplete.",
    },
    fr: {
      number: "Numéro de carte",
      expiry: "Date d'expiration",
      cvc: "Code de sécurité",
      incomplete_number: "Votre numéro de carte est incomplet.",
      incomplete_expiry: "La date d'expiration de votre carte est incomplète.",
      incomplete_cvc: "Le code de sécurité de votre carte est incomplet.",
    },
  };
  const wanted = options.get("locale") === "auto" ? navigator.language : (options.get("locale") ?? "en");
  const language = wanted.slice(0, 2) in WORDS ? wanted.slice(0, 2) : "en";
  const words = WORDS[language];
  document.documentElement.lang = language;
  const FIELDS = ["number", "expiry", "cvc"];
  const COMPLETE = {
    number: (text) => text.replace(/\s/g, "").length >= 13,
    expiry: (text) => /^\s*\d{1,2}\s*\/?\s*\d{2}\s*$/.test(text),
    cvc: (text) => /^\s*\d{3,4}\s*$/.test(text),
  };
  const input = (name) => document.getElementById(name);

  function tell(message) {
    window.parent.postMessage(message, around);
  }

  function report(name, detail = {}) {
    tell({ name, detail });
  }

  // ---------------------------------------------------------------- the fields

  function incomplete() {
    return FIELDS.filter((name) => !COMPLETE[name](input(name).value));
  }

  function changed() {
    const empty = FIELDS.every((name) => !input(name).value);
    report("change", { empty, complete: !incomplete().length });
  }

  function show(problem, wrong = []) {
    document.getElementById("problem").textContent = problem;
    for (const name of FIELDS) input(name).setAttribute("aria-invalid", wrong.includes(name));
    report("height", { height: document.documentElement.offsetHeight });
  }

  function check() {
    const wrong = incomplete();
    if (!wrong.length) {
      show("");
      return {};
    }
    const code = `incomplete_${wrong[0]}`;
    show(words[code], wrong);
    return { error: { type: "validation_error", code, message: words[code] } };
  }

  // ---------------------------------------------------------------- calls

  async function call(method, path, parameters) {
    const body = new URLSearchParams(parameters);
    const headers = { Authorization: `Bearer ${key}` };
    try {
      const answer = await (method === "GET"
        ? fetch(`${path}?${body}`, { headers })
        : fetch(path, { method, headers, body }));
      return await answer.json();
    } catch {
      return { error: { type: "api_connection_error", message: "We are experiencing issues connecting." } };
    }
  }

  // {a: {b: 1}} is [["a[b]", 1]]; null and undefined are left out.
  function flat(value, name = "") {
    if (value === null || value === undefined) return [];
    if (typeof value !== "object") return [[name, String(value)]];
    return Object.entries(value).flatMap(([key_, one]) => flat(one, name ? `${name}[${key_}]` : key_));
  }

  async function token({ billing, returnUrl, usage }) {
    const [, month, year] = input("expiry").value.match(/(\d{1,2})\s*\/?\s*(\d{2})/);
    const card = { number: input("number").value.replace(/\s/g, ""), exp_month: Number(month), exp_year: Number(year) };
    const data = { type: "card", billing_details: billing, card: { ...card, cvc: input("cvc").value.trim() } };
    const made = await call(
      "POST",
      "/v1/confirmation_tokens",
      flat({ payment_method_data: data, return_url: returnUrl, setup_future_usage: usage }),
    );
    if (made.error) {
      show(made.error.message);
      return { error: made.error };
    }
    return { confirmationToken: made };
  }

  async function retrieve({ clientSecret }) {
    const id = clientSecret.split("_secret_")[0];
    const kind = id.startsWith("pi_") ? "payment_intents" : "setup_intents";
    const found = await call("GET", `/v1/${kind}/${id}`, { client_secret: clientSecret });
    return found.error ? found : { intent: found };
  }

  const ANSWERS = {
    check,
    token,
    retrieve,
    focus: () => input("number").focus(),
    clear: () => document.forms[0].reset(),
  };

  window.addEventListener("message", async (event) => {
    if (event.source !== window.parent || event.origin !== around || !(event.data.ask in ANSWERS)) return;
    tell({ id: event.data.id, answer: (await ANSWERS[event.data.ask](event.data)) ?? {} });
  });

  for (const name of FIELDS) {
    document.getElementById(`${name}-label`).textContent = words[name];
    input(name).addEventListener("input", changed);
    input(name).addEventListener("focus", () => report("focus"));
    input(name).addEventListener("blur", () => report("blur"));
  }
  document.forms[0].addEventListener("submit", (event) => event.preventDefault());
  report("ready");
  show("");
})();
