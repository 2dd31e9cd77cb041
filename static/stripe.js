// A card in Stripe's own fields. Their script is loaded when the payer picks the card; only a token leaves them, and the
// form is sent with it. Without this file the card says that it needs a script, and every other way to pay works.
(() => {
  let loading, place, mounting, stripe, elements, busy;
  const on = (name, act, capture) => document.addEventListener(name, act, capture);
  const find = (selector, root = document) => root.querySelector(selector);
  const picked = (form) => form.elements.method.value === 'card';

  const load = (src) => loading ??= new Promise((resolve, reject) => {
    const script = document.createElement('script');
    Object.assign(script, { src, onload: resolve, onerror: reject });
    document.head.append(script);
  });

  const say = (text) => {
    const problem = find('#number-problem');
    problem.textContent = text;
    problem.hidden = !text;
  };

  const begin = async (box) => {
    const { script, key, mode, amount, currency, saves } = box.dataset;
    find('.off', box).hidden = true;
    elements = undefined;
    try {
      await load(script);
      stripe ??= Stripe(key, { locale: document.documentElement.lang });
      elements = stripe.elements({
        mode, currency, paymentMethodTypes: ['card'],
        appearance: { theme: matchMedia('(prefers-color-scheme: dark)').matches ? 'night' : 'stripe' },
        ...(mode === 'payment' && { amount: +amount || 1000 }), ...(saves && { setupFutureUsage: 'off_session' }),
      });
      elements.create('payment').mount(find('.fields', box));
    } catch {
      say(box.dataset.broken);
      place = loading = undefined; // the next press tries again
    }
  };
  const mount = () => {
    const box = find('#card');
    if (box && picked(box.closest('form')) && box !== place) mounting = begin(place = box);
    return mounting;
  };

  // The token is made first; then the form goes its usual way.
  const tokenize = async (form) => {
    busy = true;
    form.dispatchEvent(new Event('busy', { bubbles: true }));
    say('');
    await mount();
    try {
      const typed = await elements.submit();
      if (typed.error) return; // the fields say what is wrong
      const { error, confirmationToken } = await stripe.createConfirmationToken({ elements });
      if (error) return say(find('#card').dataset.wrong);
      form.elements.card_token.value = confirmationToken.id;
    } catch {
      return say(find('#card').dataset.broken);
    } finally {
      busy = false;
      form.dispatchEvent(new Event('idle', { bubbles: true }));
    }
    form.requestSubmit();
  };

  on('submit', (event) => {
    const form = event.target;
    const { card_token: token, agreed } = form.elements;
    const isPay = token && picked(form) && !event.submitter?.name && (agreed || !find('#total', form));
    if (!isPay || token.value) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    if (!busy) tokenize(form);
  }, true);
  on('change', mount);
  on('htmx:after:swap', mount);
  mount();
})();
