// The page works without this file. With it: no polling while hidden, a word when the network is gone, focus that follows
// the state, a countdown, the way on by itself, and a phone number that finds its groups and its operator.
(() => {
  const find = (selector, root = document) => root.querySelector(selector);
  const on = (name, act, root = document) => root.addEventListener(name, act);
  let box, state, clock, retry, failures = 0;

  const check = () => {
    if (find('#poll') && window.htmx && !document.hidden) htmx.trigger('#poll', 'check');
  };
  on('visibilitychange', check);
  on('online', () => find('#poll') ? check() : reach(true), window);
  on('pageshow', (event) => event.persisted && check(), window);
  on('htmx:config:request', (event) => document.hidden && event.target.id === 'poll' && event.preventDefault());

  // A new total needs no card number.
  on('htmx:config:request', ({ target, detail }) => {
    if (target.id === 'total') for (const name of ['number', 'expiry', 'cvc']) detail.ctx.request.body.delete(name);
  });

  // Network or server gone: the page stays as it is and asks again, ever more slowly.
  const reach = (well) => {
    const word = find('#net p');
    if (word) word.hidden = well;
    clearTimeout(retry);
    failures = well ? 0 : failures + 1;
    if (!well) retry = setTimeout(check, Math.min(30, 2 ** failures) * 1000);
  };
  on('offline', () => reach(false), window);
  on('htmx:error', (event) => event.detail.ctx && reach(false));
  on('htmx:after:request', (event) => reach(event.detail.ctx.response.status < 500));

  // A new state: put the focus on it, say it, start its clock.
  const arrive = () => {
    const old = box;
    box = find('#checkout');
    if (box === old) return;
    count(find('[data-left]', box));
    lead(find('[data-forward]', box));
    const moved = box.dataset.state !== state;
    if (old && !find('[autofocus]', box) && (moved || document.activeElement === document.body)) {
      if (moved) scrollTo(0, 0);
      find('h1', box).focus({ preventScroll: true });
      find('#live').textContent = find(moved ? '.lead' : '[role=status]', box)?.textContent ?? '';
    }
    state = box.dataset.state;
  };
  on('htmx:after:swap', arrive);

  const count = (place) => {
    clearInterval(clock);
    if (!place) return;
    const end = Date.now() + place.dataset.left * 1000;
    clock = setInterval(() => {
      const left = Math.max(0, Math.round((end - Date.now()) / 1000));
      place.textContent = `${Math.floor(left / 60)}:${`${left % 60}`.padStart(2, 0)}`;
      if (!left) clearInterval(clock), check();
    }, 1000);
  };

  // Lead on once per payment, and never into a dead network: who comes back with the Back button stays.
  const lead = (link) => {
    const led = link && location.pathname + link.href;
    try {
      if (!link || sessionStorage[led]) return;
    } catch { return; }
    find('.auto', box).classList.add('on');
    const note = () => sessionStorage[led] = 1;
    const go = () => {
      if (!link.isConnected) return;
      if (!navigator.onLine) return window.addEventListener('online', go, { once: true });
      note();
      location.assign(link.href);
    };
    on('click', note, link);
    setTimeout(go, link.dataset.forward * 1000);
  };

  // The phone number. What cannot be read here is left to the server.
  const fits = (digits, { lengths }) => lengths.split(' ').includes(`${digits.length}`);
  const local = ({ value, dataset }) => {
    const digits = value.replace(/[^\d+]/g, '').replace(/^00/, '+');
    const rest = digits.replace(RegExp(`^\\+?${dataset.dial}`), '');
    return digits[0] === '+' || fits(rest, dataset) ? rest : digits;
  };
  const group = (digits, pattern, at = 0) => pattern.replace(/#/g, () => digits[at++] ?? '').trim() + digits.slice(at);
  const guess = (digits, form) => {
    let best = '';
    for (const radio of form.querySelectorAll('[data-prefixes]:enabled')) {
      for (const prefix of radio.dataset.prefixes.split(' ')) {
        if (prefix.length > best.length && digits.startsWith(prefix)) radio.checked = best = prefix;
      }
    }
  };
  const blame = (field, bad) => {
    find('#phone-problem').hidden = !bad;
    field.ariaInvalid = bad ? 'true' : null;
    field.setAttribute('aria-describedby', bad ? 'phone-problem phone-hint' : 'phone-hint');
  };
  const phone = (act) => ({ target }) => {
    const digits = target.id === 'phone' && local(target);
    if (digits && digits[0] !== '+') act(target, digits, fits(digits, target.dataset));
  };
  on('input', phone((field, digits, well) => {
    if (field.selectionStart === field.value.length) field.value = group(digits, field.dataset.pattern);
    if (!('chosen' in field.form.dataset)) guess(digits, field.form);
    if (well) blame(field, false);
  }));
  // A little later: what moves under a finger that is still down makes it miss its button.
  on('focusout', phone((field, digits, well) => setTimeout(() => field.isConnected && blame(field, !well), 200)));
  on('change', ({ target }) => {
    if (target.name === 'operator') target.form.dataset.chosen = '';
    if (target.name === 'preset') find('#amount').value = '';
  });

  arrive();
  // An error page, or no htmx: look again the plain way.
  const again = box.dataset.retry || (!window.htmx && find('#poll[hx-trigger^=every]') && location.href);
  if (again) setTimeout(() => location.replace(again), 8000);
})();
