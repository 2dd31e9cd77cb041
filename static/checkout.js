// The page works without this file. With it: a press is answered at once, a lost network is told and made good, polling
// pauses while hidden, focus follows the state, time is counted, and a phone number finds its groups and its operator.
// Written in ES2015 and the DOM of 2016, for old phones: an engine that cannot parse it has the page without script.
(() => {
  const find = (selector, root) => (root || document).querySelector(selector);
  const all = (selector, root) => Array.from((root || document).querySelectorAll(selector));
  const on = (name, act, root) => (root || document).addEventListener(name, act);
  const before = (name, act) => document.addEventListener(name, act, true);
  let box, state, clock, retry, leave, unanswered, moving, kept, failures = 0, flying = 0;
  const held = []; // what stood in a button and beside it before it was pressed

  const polls = () => find('#poll[hx-trigger^=every]', box);
  const look = () => {
    clearTimeout(retry);
    if (!window.htmx || document.hidden) return;
    if (find('#poll')) htmx.trigger('#poll', 'check');
    else if (unanswered) htmx.ajax('GET', location.pathname, { target: '#checkout', swap: 'outerHTML' });
  };
  on('visibilitychange', look);
  on('online', () => { net(''); look(); }, window);
  on('pageshow', (event) => { if (event.persisted) { idle(); look(); } }, window);
  on('htmx:config:request', (event) => document.hidden && event.target.id === 'poll' && event.preventDefault());

  // A new total needs no card number.
  on('htmx:config:request', (event) => {
    if (event.target.id === 'total') for (const name of ['number', 'expiry', 'cvc']) event.detail.ctx.request.body.delete(name);
  });

  // ---- a press: its button is busy at once, and a second press does nothing

  const busy = (form, button) => {
    moving = Boolean(button && button.name === 'show_country');
    if (button && button.name) return; // another country, another language: not the way on
    const pressed = button && button.dataset.busy ? button : find('[data-busy]', form);
    form.setAttribute('aria-busy', 'true');
    for (const place of [pressed].concat(all('[data-lock]'))) {
      const text = place && (place.dataset.busy || place.dataset.lock);
      if (!text || held.some((one) => one.place === place)) continue;
      held.push({ place, nodes: Array.from(place.childNodes) });
      place.textContent = text;
    }
    say(find('[data-lock]') ? find('[data-lock]').textContent : '');
  };
  const idle = () => {
    for (const form of all('[aria-busy]')) form.removeAttribute('aria-busy');
    for (const one of held.splice(0)) {
      one.place.textContent = '';
      for (const node of one.nodes) one.place.appendChild(node);
    }
  };
  // Another language is another page: htmx, which would take its part only, does not get to know of it.
  before('submit', (event) => {
    if (event.submitter && event.submitter.name === 'lang') event.stopImmediatePropagation();
  });
  // Which of a form's buttons was pressed is not told by every engine: another country would be a payment.
  before('click', (event) => {
    const button = event.target.closest('button[name]');
    if (!button || !button.form || 'submitter' in Event.prototype || 'submitter' in (window.SubmitEvent || Event).prototype) return;
    const name = document.createElement('input');
    Object.assign(name, { type: 'hidden', name: button.name, value: button.value });
    button.form.appendChild(name);
    setTimeout(() => name.remove(), 0);
  });
  on('submit', (event) => {
    const form = event.target;
    if (form.hasAttribute('aria-busy') && !window.htmx) return event.preventDefault();
    for (const told of all('[data-told]')) told.remove();
    busy(form, event.submitter);
  });
  on('busy', (event) => busy(event.target)); // a provider's fields make their token before the form is sent
  on('idle', idle);

  // ---- no answer: look first what came of it, then say what is true

  // Which line of #net is seen; '' for none.
  const net = (name) => { for (const line of all('#net [data-net]')) line.hidden = line.dataset.net !== name; };
  const lost = (network) => {
    const offline = network || !navigator.onLine;
    if (unanswered) net(offline ? 'pressed' : 'asking');
    else if (find('[data-pay]', box)) net(offline ? 'open' : '');
    else if (polls() || find('[data-forward]', box)) net(offline ? 'waiting' : 'down');
  };
  const again = () => {
    clearTimeout(retry);
    failures += 1;
    retry = setTimeout(look, Math.min(30, Math.pow(2, failures)) * 1000);
  };
  const well = () => {
    clearTimeout(retry);
    failures = 0;
    net('');
  };

  // Put a message before the form, in whose place the customer is.
  const tell = (name, form) => {
    const text = find(`#told-${name}`);
    if (!text || !form || !form.isConnected) return;
    const fold = form.closest('details');
    if (fold) fold.open = true; // a page drawn anew has it closed
    form.parentNode.insertBefore(document.importNode(text.content, true), form);
    const told = form.previousElementSibling;
    told.dataset.told = name;
    told.focus();
  };
  const unsent = () => {
    const form = find(`form[action="${unanswered.action}"]`, box), paid = !unanswered.by;
    unanswered = null;
    idle();
    if (form) tell(paid && find('[data-pay]', form) ? 'unsent' : 'again', form);
  };

  const isOurs = (ctx) => ctx.response.status === 204 || /id="(checkout|poll|device)"/.test(ctx.text);
  const failed = (ctx, network) => {
    if (ctx.request.method === 'POST' && ctx.sourceElement.matches('form')) {
      const by = ctx.request.submitter;
      unanswered = { action: ctx.sourceElement.getAttribute('action'), by: by && by.name };
      if (navigator.onLine) look(); // the button stays busy until the first look is over
      else idle();
    } else {
      idle();
      again();
    }
    lost(network);
  };
  on('htmx:before:request', () => { flying += 1; });
  on('htmx:finally:request', () => { flying -= 1; });
  on('offline', () => lost(true), window);
  on('htmx:error', (event) => event.detail.ctx && failed(event.detail.ctx, true));
  on('htmx:after:request', (event) => {
    const ctx = event.detail.ctx, status = ctx.response.status;
    if (status === 429) {
      idle();
      well();
      return tell('fast', ctx.sourceElement.closest('form'));
    }
    const ours = isOurs(ctx);
    if (status >= 500 || !ours) {
      event.preventDefault(); // a portal's page, or a proxy's, never takes the place of ours
      return failed(ctx, !ours && status < 500);
    }
    kept = ctx.request.method === 'GET' && hold();
    well();
    // Nothing has changed since the press: it did not arrive.
    if (unanswered && (status === 204 || ctx.hx.retarget)) unsent();
  });

  // ---- a new state: put the focus on it, say it, start its clock

  // What a look at the server must not take away when it draws the page anew under the customer's hands: what is typed,
  // where the focus is, what is unfolded, and what was told.
  const folds = () => all('details > summary', box);
  const hold = () => ({
    fields: all('input[id]', box).map((one) => ({ id: one.id, value: one.value, at: one === document.activeElement })),
    open: folds().filter((one) => one.parentNode.open).map((one) => one.textContent),
    told: all('[data-told]', box).map((one) => ({ name: one.dataset.told, action: one.nextElementSibling.getAttribute('action') })),
  });
  const restore = ({ fields, open, told }) => {
    for (const one of fields) {
      const field = find(`input[id="${one.id}"]`, box);
      if (field && (one.value || one.at)) field.value = field.value || one.value;
      if (field && one.at) field.focus({ preventScroll: true });
    }
    for (const one of folds()) one.parentNode.open = one.parentNode.open || open.indexOf(one.textContent) >= 0;
    for (const one of told) tell(one.name, find(`form[action="${one.action}"]`, box));
  };
  const say = (text) => { if (find('#live')) find('#live').textContent = text; };
  const arrive = () => {
    const old = box;
    box = find('#checkout');
    if (box === old) return;
    count();
    sum();
    for (const button of all('[data-copy]', box)) button.hidden = false;
    lead(find('[data-forward]', box));
    const moved = box.dataset.state !== state, title = find('[data-focus]', box) || find('h1', box);
    if (old && title && !find('[autofocus]', box) && (moved || document.activeElement === document.body)) {
      if (moved) scrollTo(0, 0);
      (moving && find('[data-phone]', box) || title).focus({ preventScroll: true });
      const told = find(moved ? '.lead' : '[role=status]', box);
      const land = moving && find('.lands summary', box);
      say(land ? land.getAttribute('aria-label') || land.textContent : told ? told.textContent : '');
    }
    moving = false;
    if (kept && !moved) restore(kept);
    kept = null;
    state = box.dataset.state;
    if (unanswered) unsent(); // a page without a poll has been asked for as a whole
  };
  on('htmx:after:swap', arrive);

  // Every time that runs out, in seconds: 43 is written 0:43.
  const count = () => {
    clearInterval(clock);
    const places = all('[data-countdown]', box), start = Date.now();
    if (!places.length) return;
    clock = setInterval(() => {
      let running = false;
      for (const place of places) {
        const left = Math.max(0, Math.round(place.dataset.countdown - (Date.now() - start) / 1000));
        const seconds = `${left % 60}`;
        place.textContent = `${Math.floor(left / 60)}:${seconds[1] ? '' : 0}${seconds}`;
        running = running || left > 0;
      }
      if (running) return;
      clearInterval(clock);
      look();
    }, 1000);
  };

  // Lead on once per payment, and never into a dead network. Who comes back with the Back button, or touches a receipt, stays.
  const lead = (link) => {
    clearInterval(leave);
    const led = link && location.pathname + link.href, auto = find('.auto', box);
    try {
      if (!link || sessionStorage[led]) return;
    } catch (_) { return; }
    if (auto) auto.classList.add('on');
    const note = () => { sessionStorage[led] = 1; };
    const end = Date.now() + link.dataset.forward * 1000;
    on('click', note, link);
    leave = setInterval(() => {
      const left = Math.ceil((end - Date.now()) / 1000), seconds = auto && find('[data-seconds]', auto);
      if (seconds) seconds.textContent = Math.max(0, left);
      if (left > 0 || !navigator.onLine) return;
      clearInterval(leave);
      if (link.isConnected) note(), location.assign(link.href);
    }, 250);
  };
  const stay = () => {
    if (!find('.auto [data-stay]', box)) return;
    clearInterval(leave);
    find('.auto', box).classList.remove('on'); // its place stays: nothing moves under the finger
  };
  for (const name of ['pointerdown', 'touchstart', 'wheel', 'keydown']) on(name, (event) => event.isTrusted && stay());
  // Where a browser keeps its clipboard from pages, as those inside other apps do, the old way still copies.
  const copy = (text) => {
    const field = document.createElement('textarea'), before = document.activeElement;
    Object.assign(field, { value: text, readOnly: true, className: 'vh' });
    document.body.appendChild(field);
    field.select();
    const done = document.execCommand('copy');
    field.remove();
    before.focus({ preventScroll: true });
    return done;
  };
  const copied = (text) => (navigator.clipboard ? navigator.clipboard.writeText(text).then(() => true) : Promise.reject())
    .catch(() => copy(text));
  on('click', (event) => {
    const target = event.target.closest('[data-copy], [data-stay]');
    if (!target) return;
    event.preventDefault();
    if ('copy' in target.dataset) copied(target.dataset.copy).then((done) => {
      target.lastChild.textContent = done ? target.dataset.done : target.dataset.failed;
      say(target.lastChild.textContent);
    });
  });

  // ---- the phone number: what cannot be read here is left to the server

  const fits = (digits, field) => field.dataset.lengths.split(' ').indexOf(`${digits.length}`) >= 0;
  const local = (field) => {
    const digits = field.value.replace(/[^\d+]/g, '').replace(/^00/, '+');
    const rest = digits.replace(RegExp(`^\\+?${field.dataset.dial}`), '');
    return digits[0] === '+' || fits(rest, field) ? rest : digits;
  };
  const group = (digits, pattern) => {
    let at = 0;
    return pattern.replace(/#/g, () => digits[at++] || '').trim() + digits.slice(at);
  };
  // The operator to which such a number was first assigned, whether or not it can be paid by just now.
  const owner = (digits, form) => {
    let best = '', found;
    for (const radio of all('[data-prefixes]', form)) {
      for (const prefix of radio.dataset.prefixes.split(' ')) {
        if (prefix.length > best.length && digits.slice(0, prefix.length) === prefix) best = prefix, found = radio;
      }
    }
    return found;
  };
  const guess = (digits, form) => {
    const found = owner(digits, form), can = Boolean(found) && !found.disabled;
    if (can) found.checked = true;
    guessed(form, can);
  };
  // A number of another operator than the chosen one may have been ported: that is said in the hint's place, and of no
  // operator that takes any number.
  const compare = (form) => {
    const field = find('[data-phone]', form), note = find('#phone-note', form);
    if (!field || !note) return;
    const digits = local(field), own = fits(digits, field) && owner(digits, form);
    const chosen = find('[name=operator]:checked', form);
    const odd = Boolean(own && chosen && chosen.dataset.prefixes && own !== chosen);
    const names = all('b', note), text = note.textContent;
    if (odd) [own, chosen].forEach((radio, at) => { names[at].textContent = find('span > span', radio.parentNode).firstChild.data; });
    if (odd && (note.hidden || note.textContent !== text)) say(note.textContent);
    note.hidden = !odd;
    note.previousElementSibling.hidden = odd;
  };
  // "From your number", beside the operators, as long as nobody has chosen.
  const guessed = (form, is) => { for (const place of all('[data-guess]', form)) place.hidden = !is; };
  const blame = (field, bad) => {
    const problem = find('#phone-problem');
    if (!problem) return;
    problem.hidden = !bad;
    if (bad) field.setAttribute('aria-invalid', 'true');
    else field.removeAttribute('aria-invalid');
    field.setAttribute('aria-describedby', bad ? 'phone-problem phone-hint' : 'phone-hint');
  };
  const phone = (act) => (event) => {
    const field = event.target, digits = 'pattern' in field.dataset && local(field);
    if (digits !== false) act(field, digits, fits(digits, field));
  };
  on('input', phone((field, digits, whole) => {
    if (digits[0] === '+') return;
    if (digits && field.selectionStart === field.value.length) field.value = group(digits, field.dataset.pattern);
    if (!('chosen' in field.form.dataset)) guess(digits, field.form);
    if (whole) blame(field, false);
    compare(field.form);
  }));
  // A little later: what moves under a finger that is still down makes it miss its button.
  on('focusout', phone((field, digits, whole) => setTimeout(() => {
    if (digits && digits[0] !== '+' && field.isConnected) blame(field, !whole);
  }, 200)));
  // A number with the code of another country: the page follows, as if its country had been chosen. A little later, too.
  on('change', phone((field, digits) => setTimeout(() => {
    const form = field.form, dial = digits[0] === '+' && all('[name=show_country]', form).map((button) => {
      const code = /\+(\d+)/.exec(button.textContent);
      return { button, code: code ? code[0] : '-' };
    }).filter((one) => digits.slice(0, one.code.length) === one.code)[0];
    if (dial && form.isConnected && !form.hasAttribute('aria-busy') && window.htmx) dial.button.click();
  }, 200)));
  on('change', (event) => {
    const field = event.target;
    if (field.name === 'operator') {
      field.form.dataset.chosen = '';
      guessed(field.form, false);
      compare(field.form);
    }
    if (field.name === 'preset') {
      find('#amount').value = '';
      sum();
    }
  });
  // Of an amount to choose one way is chosen at a time, and the button names it: what is typed, if it is plainly a number.
  // Without a script it names none: it would go on naming what was chosen before.
  const figure = ({ value, dataset: { cents } }) => {
    const text = value.replace(/\s/g, ''), number = Number(text.replace(',', '.'));
    const plain = (cents ? /^\d{1,13}([.,]\d\d?)?$/ : /^\d{1,15}$/).test(text) && number > 0;
    const digits = { minimumFractionDigits: number % 1 ? 2 : Number(cents || 0) };
    return plain ? number.toLocaleString(document.documentElement.lang, digits) : '';
  };
  function sum() {
    const button = find('[data-sum]', box), preset = find('[name=preset]:checked', box), field = find('#amount', box);
    if (!button || !field) return;
    const text = figure(field) || (preset && !field.value ? preset.nextElementSibling.textContent : '');
    button.textContent = text ? button.dataset.sum.replace('#', text) : button.dataset.sum.replace(/\s\S*#.*/, '');
  }
  on('input', ({ target }) => {
    if (target.id !== 'amount') return;
    if (target.value) for (const one of all('[name=preset]', box)) one.checked = false;
    sum();
  });
  // An engine without :has shows the card's fields and the number's: what is typed in is chosen.
  on('input', (event) => {
    const block = event.target.closest('.card, .mm');
    const choice = block && find(`[name=method][value=${block.classList.contains('card') ? 'card' : 'mobile_money'}]`);
    if (choice) choice.checked = true;
  });

  arrive();

  // The slow reload that waiting pages have of their own is for who lacks these scripts: only stop() calls it off. It
  // would call off a request on its way, too.
  const slow = find('head > meta[http-equiv=refresh]');
  const calm = () => {
    if (flying) return setTimeout(calm, 1000);
    stop();
    slow.remove();
  };
  if (slow) on('load', calm, window);
  // No htmx: look again the plain way, but not while something is being typed.
  const reload = () => {
    const typed = all('input:not([type=hidden]):not([type=radio])', box).some((field) => field.value !== field.defaultValue);
    if (typed || document.hidden) setTimeout(reload, 8000);
    else location.replace(location.href);
  };
  if (!window.htmx && polls()) setTimeout(reload, 8000);
})();
