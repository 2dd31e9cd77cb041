"""What a page costs its customer in a real browser: bytes, requests, time on a slow network, shifts, and room."""

from dataclasses import dataclass, field
from typing import Any

from playwright.sync_api import BrowserContext, CDPSession, Page

FIRST_FLIGHT_BYTES, ALL_BYTES, ALL_REQUESTS = 10_000, 30_000, 4  # the page's budgets, headers included
# Kept from before the page's first line until somebody asks. Shifts right after a touch count, too.
_OBSERVE = """() => {
    window.seen = { shift: 0, moved: [], lcp: 0 };
    const note = (type, act) => new PerformanceObserver(list => list.getEntries().forEach(act))
        .observe({ type, buffered: true });
    note('layout-shift', entry => {
        seen.shift += entry.value;
        for (const source of entry.sources) {
            const one = source.node && (source.node.closest ? source.node : source.node.parentElement);
            const control = one && one.closest('a, button, input, select, summary, label');
            if (control) seen.moved.push(control.outerHTML.slice(0, 120));
        }
    });
    note('largest-contentful-paint', entry => { seen.lcp = entry.startTime; });
}"""
_SETTLED = "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
_FIRST_PAINT = """new Promise(done => new PerformanceObserver(list => list.getEntries()
    .filter(entry => entry.name === 'first-contentful-paint').forEach(entry => done(entry.startTime)))
    .observe({ type: 'paint', buffered: true }))"""
# How far up, down, left and right of its middle a touch still reaches a control, or its label: 44 px in each direction?
_SMALL = """() => {
    const takes = (control, x, y) => {
        const hit = document.elementFromPoint(x, y);
        return hit && [control, ...(control.labels || [])].some(one => one.contains(hit));
    };
    const reach = (control, x, y, dx, dy) => {
        let far = 0;
        while (far < 44 && takes(control, x + dx * (far + 1), y + dy * (far + 1))) far += 1;
        return far;
    };
    const small = control => {
        control.scrollIntoView({ block: 'center' });
        const box = control.getClientRects()[0];
        if (!box || !box.width || getComputedStyle(control).visibility === 'hidden') return false;
        const x = box.left + box.width / 2, y = box.top + box.height / 2;
        const wide = reach(control, x, y, -1, 0) + reach(control, x, y, 1, 0);
        const high = reach(control, x, y, 0, -1) + reach(control, x, y, 0, 1);
        return wide < 43 || high < 43;
    };
    const all = [...document.querySelectorAll('a[href], button, summary, select, input:not([type=hidden])')];
    const found = all.filter(one => one.checkVisibility() && !one.disabled && !one.matches('.vh, .vh *') && small(one));
    scrollTo(0, 0);
    return found.map(one => one.outerHTML.slice(0, 120));
}"""

_STICKS_OUT = """() => {
    const wide = one => one.getBoundingClientRect().right > innerWidth + 1 && !one.closest('.vh, svg');
    const cut = one => one.scrollWidth > one.clientWidth + 1 && getComputedStyle(one).overflowX !== 'visible'
        && getComputedStyle(one).textOverflow !== 'ellipsis' && !one.closest('.vh, svg');
    const all = [...document.body.querySelectorAll('*')].filter(one => one.checkVisibility());
    const found = all.filter(one => wide(one) || cut(one));
    if (document.documentElement.scrollWidth > innerWidth) found.push(document.documentElement);
    return found.map(one => one.outerHTML.slice(0, 120));
}"""


@dataclass
class Weight:
    """The bytes that came over the wire, headers included: of the page itself, and of each address."""

    first: int = 0
    by_url: dict[str, int] = field(default_factory=dict)

    @property
    def all(self) -> int:
        """All of them together."""
        return sum(self.by_url.values())


def observe(context: BrowserContext) -> None:
    """Have the pages of this context note what `shift`, `moved` and `largest_paint` tell."""
    context.add_init_script(f"({_OBSERVE})()")


def weigh(page: Page, url: str) -> Weight:
    """Load the page and everything that it asks for by itself."""
    session, weight, urls = page.context.new_cdp_session(page), Weight(), {}
    session.on("Network.requestWillBeSent", lambda event: urls.update({event["requestId"]: event["request"]["url"]}))

    def finish(event: dict[str, Any]) -> None:
        weight.by_url[urls[event["requestId"]]] = int(event["encodedDataLength"])

    session.on("Network.loadingFinished", finish)
    session.send("Network.enable")
    page.goto(url, wait_until="networkidle")
    session.detach()
    weight.first = weight.by_url[page.url]
    return weight


def slow_down(page: Page) -> CDPSession:
    """A phone that is four times slower, on 400 kbit/s with a round trip of 400 ms."""
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    rate = 400_000 / 8
    conditions = {"offline": False, "latency": 400, "downloadThroughput": rate, "uploadThroughput": rate}
    session.send("Network.emulateNetworkConditions", conditions)
    session.send("Emulation.setCPUThrottlingRate", {"rate": 4})
    return session


def first_paint(page: Page) -> float:
    """When the first words were seen, in milliseconds."""
    return float(page.evaluate(_FIRST_PAINT))


def largest_paint(page: Page) -> float:
    """When the largest part was seen, in milliseconds."""
    return float(page.evaluate(f"{_SETTLED}.then(() => seen.lcp)"))


def shift(page: Page) -> float:
    """How much has shifted by now, touches or not."""
    return float(page.evaluate(f"{_SETTLED}.then(() => seen.shift)"))


def moved(page: Page) -> list[str]:
    """What can be touched and has shifted by now."""
    found: list[str] = page.evaluate(f"{_SETTLED}.then(() => seen.moved)")
    return found


def bottom(page: Page, selector: str = "button.main") -> float:
    """How far below the top of the page that ends."""
    return float(page.evaluate("one => document.querySelector(one).getBoundingClientRect().bottom + scrollY", selector))


def small_targets(page: Page) -> list[str]:
    """What can be touched, and is smaller than 44 × 44 px."""
    found: list[str] = page.evaluate(f"({_SMALL})()")
    return found


def sticks_out(page: Page) -> list[str]:
    """What makes the page scroll sideways, or whose words are cut off."""
    found: list[str] = page.evaluate(f"({_STICKS_OUT})()")
    return found
