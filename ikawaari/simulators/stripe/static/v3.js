// The simulator's own stand-in for the provider's browser script. The card's fields are in a frame of this script's
// origin: neither the page nor its server ever sees a number. What the real script refuses, this one refuses as well.
(() => {
  "use strict";

  const home = new URL(document.currentScript.src).origin;
  const TYPES = ["payment", "card"];
  const MODES = ["payment", "setup", "subscription"];

  class IntegrationError extends Error {
    constructor(message) {
      super(message);
      this.name = "IntegrationError";
    }
  }

  function ensure(holds, message) {
    if (!holds) throw new IntegrationError(message);
  }

  // ---------------------------------------------------------------- frames

  // A frame of the simulator, which answers questions: {id, ask, …} is answered by {id, answer}.
  class Frame {
    constructor(key, options, hear) {
      this.waiting = new Map();
      this.hear = hear;
      this.element = document.createElement("iframe");
      const query = new URLSearchParams({ key, origin: window.location.origin, ...options });
      this.element.src = `${home}/frames/fields?${query}`;
      this.element.title = "Secure card fields";
      this.element.style.cssText = "border:0;width:100%;height:0;display:block";
      this.ready = new Promise((resolve) => (this.becomeReady = resolve));
      this.listener = (event) => this.receive(event);
      window.addEventListener("message", this.listener);
    }

    receive(event) {
      if (event.source !== this.element.contentWindow || event.origin !== home) return;
      const { id, answer, name, detail } = event.data;
      if (this.waiting.has(id)) {
        this.waiting.get(id)(answer);
        this.waiting.delete(id);
      } else if (name === "ready") {
        this.becomeReady();
        this.hear("ready", {});
      } else if (name === "height") {
        this.element.style.height = `${detail.height}px`;
      } else if (name) {
        this.hear(name, detail);
      }
    }

    async ask(ask, more = {}) {
      await this.ready;
      const id = crypto.getRandomValues(new Uint32Array(4)).join("-");
      return new Promise((resolve) => {
        this.waiting.set(id, resolve);
        this.element.contentWindow.postMessage({ id, ask, ...more }, home);
      });
    }

    remove() {
      window.removeEventListener("message", this.listener);
      this.element.remove();
    }
  }

  // ---------------------------------------------------------------- elements

  class Element {
    constructor(elements, type, options) {
      this.elements = elements;
      this.type = type;
      this.options = options;
      this.handlers = new Map();
      this.frame = null;
    }

    mount(target) {
      const place = typeof target === "string" ? document.querySelector(target) : target;
      ensure(place instanceof HTMLElement, "The selector you specified applies to no DOM elements that are on the page.");
      ensure(!this.frame, "This Element is already mounted.");
      this.frame = new Frame(this.elements.key, { locale: this.elements.locale }, (name, detail) => this.emit(name, detail));
      this.frame.element.title = "Secure card payment input frame";
      place.replaceChildren(this.frame.element);
    }

    on(name, handler) {
      this.handlers.set(name, [...(this.handlers.get(name) ?? []), handler]);
      return this;
    }

    off(name, handler) {
      this.handlers.set(name, handler ? (this.handlers.get(name) ?? []).filter((one) => one !== handler) : []);
      return this;
    }

    once(name, handler) {
      const once = (detail) => {
        this.off(name, once);
        handler(detail);
      };
      return this.on(name, once);
    }

    emit(name, detail) {
      const event = { elementType: this.type, ...(name === "change" ? { value: { type: "card" } } : {}), ...detail };
      for (const handler of this.handlers.get(name) ?? []) handler(event);
    }

    update(options) {
      this.options = { ...this.options, ...options };
    }

    focus() {
      this.mounted.ask("focus");
    }

    blur() {
      this.mounted.element.blur();
    }

    clear() {
      this.mounted.ask("clear");
    }

    unmount() {
      this.frame?.remove();
      this.frame = null;
    }

    destroy() {
      this.unmount();
      this.elements.made.delete(this.type);
    }

    get mounted() {
      ensure(this.frame, "This Element has not been mounted.");
      return this.frame;
    }
  }

  class Elements {
    constructor(key, locale, options) {
      ensure(MODES.includes(options.mode), `Invalid value for elements(): mode should be one of ${MODES.join(", ")}.`);
      ensure(/^[a-z]{3}$/.test(options.currency ?? ""), "Invalid value for elements(): currency should be lowercase.");
      ensure(
        options.mode === "setup" || (Number.isInteger(options.amount) && options.amount > 0),
        "Invalid value for elements(): amount should be a positive integer.",
      );
      this.key = key;
      this.locale = options.locale ?? locale;
      this.options = options;
      this.made = new Map();
      this.isSubmitted = false;
    }

    create(type, options = {}) {
      ensure(TYPES.includes(type), `Invalid Element type: ${type}.`);
      ensure(!this.made.has(type), `Can only create one Element of type ${type}.`);
      this.made.set(type, new Element(this, type, options));
      return this.made.get(type);
    }

    getElement(type) {
      return this.made.get(type) ?? null;
    }

    update(options) {
      this.options = { ...this.options, ...options };
    }

    async submit() {
      const answer = await this.frame.ask("check");
      this.isSubmitted = !answer.error;
      return answer.error ? answer : { selectedPaymentMethod: "card" };
    }

    get frame() {
      const [element] = this.made.values();
      ensure(element, "Create and mount an Element first.");
      return element.mounted;
    }
  }

  // ---------------------------------------------------------------- the bank's page, over the page

  function showBank(url) {
    const cover = document.createElement("div");
    cover.style.cssText = "position:fixed;inset:0;background:#0008;z-index:2147483647;display:grid;place-items:center";
    const frame = document.createElement("iframe");
    frame.src = url;
    frame.title = "3-D Secure";
    frame.style.cssText = "border:0;background:#fff;width:min(30rem,100%);height:min(30rem,100%)";
    cover.append(frame);
    document.body.append(cover);
    return new Promise((resolve) => {
      window.addEventListener("message", function done(event) {
        if (event.source !== frame.contentWindow || event.origin !== home || event.data.name !== "authenticated") return;
        window.removeEventListener("message", done);
        cover.remove();
        resolve();
      });
    });
  }

  // ---------------------------------------------------------------- Stripe(key)

  window.Stripe = (key, { locale = "auto" } = {}) => {
    ensure(/^pk_(test|live)_/.test(key ?? ""), "Please call Stripe() with your publishable key. You used an empty or a secret one.");
    let hidden = null;

    function controller() {
      if (!hidden) {
        hidden = new Frame(key, {}, () => {});
        hidden.element.hidden = true;
        document.body.append(hidden.element);
      }
      return hidden;
    }

    async function retrieve(clientSecret) {
      ensure(/^(pi|seti)_\w+_secret_\w+$/.test(clientSecret ?? ""), "Invalid value for clientSecret.");
      return controller().ask("retrieve", { clientSecret });
    }

    // As the real one's answers: {paymentIntent} or {setupIntent}, or {error} if the last try failed.
    function told(intent) {
      const failure = intent.last_payment_error ?? intent.last_setup_error;
      if (intent.status === "requires_payment_method" && failure) return { error: { ...failure, [intent.object]: intent } };
      return { [intent.object === "payment_intent" ? "paymentIntent" : "setupIntent"]: intent };
    }

    async function handleNextAction({ clientSecret }) {
      const found = await retrieve(clientSecret);
      if (found.error) return found;
      const action = found.intent.next_action;
      if (action?.type === "redirect_to_url") {
        window.location.assign(action.redirect_to_url.url);
        return new Promise(() => {}); // the page is left
      }
      if (action?.type === "use_stripe_sdk") {
        await showBank(action.use_stripe_sdk.stripe_js);
        const after = await retrieve(clientSecret);
        return after.error ? after : told(after.intent);
      }
      return told(found.intent);
    }

    async function createConfirmationToken({ elements, params = {} }) {
      ensure(elements instanceof Elements, "createConfirmationToken() needs `elements`.");
      ensure(elements.isSubmitted, "elements.submit() must be called before stripe.createConfirmationToken().");
      const known = ["payment_method_data", "return_url", "shipping"];
      const unknown = Object.keys(params).filter((name) => !known.includes(name));
      ensure(!unknown.length, `Unrecognized params: ${unknown.join(", ")}.`);
      return elements.frame.ask("token", {
        billing: params.payment_method_data?.billing_details ?? {},
        returnUrl: params.return_url,
        usage: elements.options.setupFutureUsage,
      });
    }

    async function retrieved(clientSecret) {
      const found = await retrieve(clientSecret);
      return found.error ? found : { [clientSecret.startsWith("pi_") ? "paymentIntent" : "setupIntent"]: found.intent };
    }

    return {
      createConfirmationToken,
      elements: (options = {}) => new Elements(key, locale, options),
      handleNextAction,
      retrievePaymentIntent: retrieved,
      retrieveSetupIntent: retrieved,
    };
  };
  window.Stripe.version = "simulated";
})();
