'use strict';
// Draws the curves of the page. The data are in the element #curves (charts_json() in charts.cpp).
(() => {
  const report = JSON.parse(document.getElementById('curves').textContent);
  const plots = [...document.querySelectorAll('figure')].map((figure, i) => ({
    figure, chart: report.charts[i], place: figure.querySelector('.plot'), isLog: false,
  }));
  const state = {axis: 'steps', smoothing: 0, showsEvents: true, hidden: new Set()};
  const isOnly = report.runs.length === 1;
  const margin = {left: 56, right: 14, top: 22, bottom: 26};
  // Marks of events: a shape of about 10 x 10 around 0, 0.
  const shapes = {
    resume: 'M-4 -5L5 0L-4 5Z',
    best: 'M0 -6L1.6 -2L6 -1.8L2.6 1L3.7 5.2L0 2.8L-3.7 5.2L-2.6 1L-6 -1.8L-1.6 -2Z',
    warning: 'M0 -5L5 4L-5 4Z',
    error: 'M-4 -4L4 4M-4 4L4 -4',
    end: 'M-4 -4H4V4H-4Z',
    save: 'M-2 0A2 2 0 1 0 2 0A2 2 0 1 0 -2 0Z',
  };

  function add(parent, tag, attributes = {}, text = '') {
    const isSvg = ['svg', 'g', 'path', 'line', 'text', 'circle', 'title', 'rect'].includes(tag);
    const made = isSvg ? document.createElementNS('http://www.w3.org/2000/svg', tag)
                       : document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    if (text !== '') made.textContent = text;
    parent.append(made);
    return made;
  }

  const colour = (number) => `var(--c${number % 10})`;
  const dashes = (number) => ['none', '7 3', '2 3', '8 3 2 3'][Math.floor(number / 10) % 4];
  const numberOf = (chart, line) => (isOnly ? chart.lines.indexOf(line) : line.run);

  function shown(value) {
    if (value !== 0 && (Math.abs(value) < 1e-3 || Math.abs(value) >= 1e9))
      return value.toExponential(2).replace(/\.?0+e/, 'e');
    return Number(value.toPrecision(Math.abs(value) >= 1e4 ? 7 : 4)).toLocaleString('en', {
      maximumFractionDigits: 6});
  }

  // The same for the axes, where there is less room: 140K.
  function tickText(value) {
    const size = Math.abs(value), compact = {notation: 'compact', maximumFractionDigits: 2};
    return size >= 1e5 && size < 1e9 ? value.toLocaleString('en', compact) : shown(value);
  }

  // Where a run's steps are on the axis: straight lines between the points that are known, and
  // beyond the last one.
  function places(run, steps) {
    if (state.axis === 'steps') return steps;
    const known = report.runs[run].steps, values = report.runs[run][state.axis];
    if (known.length < 2) return steps.map(() => NaN);
    let i = 1;
    return steps.map((step) => {
      while (i + 1 < known.length && known[i] < step) ++i;
      const part = (step - known[i - 1]) / (known[i] - known[i - 1]);
      return values[i - 1] + part * (values[i] - values[i - 1]);
    });
  }

  function smoothed(values) {
    let mean = 0, weight = 0;
    return values.map((value) => {
      mean = state.smoothing * mean + (1 - state.smoothing) * value;
      weight = state.smoothing * weight + (1 - state.smoothing);
      return mean / weight;
    });
  }

  // About `count` round numbers from `low` to `high`.
  function ticks(low, high, count) {
    const rough = (high - low) / count, power = 10 ** Math.floor(Math.log10(rough));
    const step = power * [1, 2, 5, 10].find((factor) => factor * power >= rough);
    const found = [];
    for (let i = Math.ceil(low / step - 1e-9); i * step <= high + step * 1e-9; ++i)
      found.push(i * step);
    return found;
  }

  function logTicks(low, high) {
    const found = [], wide = Math.log10(high / low) > 3;
    for (let power = Math.floor(Math.log10(low)); power <= Math.log10(high); ++power)
      for (const digit of wide ? [1] : [1, 2, 5])
        if (digit * 10 ** power >= low && digit * 10 ** power <= high)
          found.push(digit * 10 ** power);
    return found.length > 1 ? found : [low, high];
  }

  // The unit of the horizontal axis, for a range up to `high`.
  function unit(high) {
    if (state.axis === 'steps') return {size: 1, name: 'step'};
    if (state.axis === 'samples')
      return high >= 2e6 ? {size: 1e6, name: 'million samples'} : {size: 1, name: 'samples'};
    if (high < 180) return {size: 1, name: 's'};
    return high < 10800 ? {size: 60, name: 'min'} : {size: 3600, name: 'h'};
  }

  function extent(values) {
    let low = Infinity, high = -Infinity;
    for (const value of values) {
      if (value < low) low = value;
      if (value > high) high = value;
    }
    return [low, high];
  }

  function ranges(plot, lines) {
    const all = lines.flatMap((line) => [line, line.extremes]).filter(({xs}) => xs.length > 0);
    const xs = extent(all.flatMap((points) => extent(points.xs)));
    let [low, high] = extent(all.flatMap((points) => extent(points.ys)));
    if (plot.isLog) return {x: xs, y: low === high ? [low / 2, high * 2] : [low, high]};
    if (low >= 0 && low < 0.3 * high) low = 0;
    const pad = high > low ? 0.04 * (high - low) : Math.abs(high) * 0.1 || 1;
    return {x: xs, y: [low === 0 ? 0 : low - pad, high + pad]};
  }

  // The points of a run that can be drawn.
  function pointsOf(plot, run, {steps, values}) {
    const xs = places(run, steps);
    const points = steps.map((step, i) => i).filter((i) =>
      Number.isFinite(xs[i]) && (!plot.isLog || values[i] > 0));
    return {steps: points.map((i) => steps[i]), xs: points.map((i) => xs[i]),
            ys: points.map((i) => values[i])};
  }

  // The visible lines of a plot, with their places on the axis.
  function visibleLines(plot) {
    const lines = [];
    for (const line of plot.chart.lines) {
      if (state.hidden.has(line.run)) continue;
      const drawn = pointsOf(plot, line.run, line);
      if (drawn.xs.length === 0) continue;
      lines.push({line, number: numberOf(plot.chart, line), ...drawn,
                  extremes: pointsOf(plot, line.run, line.extremes)});
    }
    return lines;
  }

  function drawAxes(svg, plot, range, size) {
    const right = size.width - margin.right, bottom = size.height - margin.bottom;
    const yTicks = plot.isLog ? logTicks(...range.y) : ticks(...range.y, size.height / 45);
    for (const tick of yTicks) {
      const y = plot.y(tick);
      add(svg, 'line', {x1: margin.left, x2: right, y1: y, y2: y, class: 'grid'});
      add(svg, 'text', {x: margin.left - 6, y: y + 4, class: 'tick', 'text-anchor': 'end'},
          tickText(tick));
    }
    const {size: one, name} = unit(range.x[1]);
    const xTicks = ticks(range.x[0] / one, range.x[1] / one, size.width / 90);
    xTicks.forEach((tick, i) => {
      const x = plot.x(tick * one), isLast = i === xTicks.length - 1;
      add(svg, 'line', {x1: x, x2: x, y1: bottom, y2: bottom + 4, class: 'axis'});
      const text = tickText(tick) + (isLast ? ' ' + name : '');
      const anchor = x > right - text.length * 3.5 ? 'end' : 'middle';
      add(svg, 'text', {x: anchor === 'end' ? right : x, y: bottom + 17, class: 'tick',
                        'text-anchor': anchor}, text);
    });
    add(svg, 'line', {x1: margin.left, x2: right, y1: bottom, y2: bottom, class: 'axis'});
  }

  function drawLine(svg, plot, {line, number, xs, ys, extremes}) {
    const path = (values, at = xs) => 'M' + values.map((value, i) =>
      plot.x(at[i]).toFixed(1) + ' ' + plot.y(value).toFixed(1)).join('L');
    const look = {fill: 'none', stroke: colour(number), 'stroke-dasharray': dashes(number)};
    const smooth = state.smoothing > 0 && !line.dots && xs.length > 2;
    if (extremes.xs.length > 0)
      add(svg, 'path', {...look, d: path(extremes.ys, extremes.xs), class: 'faint'});
    add(svg, 'path', {...look, d: path(ys), class: smooth ? 'line faint' : 'line'});
    if (smooth) add(svg, 'path', {...look, d: path(smoothed(ys)), class: 'line'});
    if ((line.dots && xs.length <= 60) || xs.length === 1)
      xs.forEach((x, i) => add(svg, 'circle', {cx: plot.x(x), cy: plot.y(ys[i]), r: 2.5,
                                               fill: colour(number)}));
  }

  function drawMarks(svg, plot, size) {
    plot.marks = [];
    if (!state.showsEvents) return;
    const right = size.width - margin.right, bottom = size.height - margin.bottom;
    for (const run of new Set(plot.chart.lines.map((line) => line.run))) {
      if (state.hidden.has(run)) continue;
      const marks = report.runs[run].marks, xs = marks.map((mark) => places(run, [mark[0]])[0]);
      marks.forEach(([step, kind, text], i) => {
        const x = plot.x(xs[i]);
        if (!(x >= margin.left - 1 && x <= right + 1)) return;
        plot.marks.push({x, kind, text, run});
        const stroke = isOnly ? 'var(--mark)' : colour(run);
        if (kind === 'resume')
          add(svg, 'line', {x1: x, x2: x, y1: margin.top, y2: bottom, stroke, class: 'resumed'});
        const mark = add(svg, 'path', {d: shapes[kind], class: 'mark ' + kind, stroke,
          fill: kind === 'error' ? 'none' : stroke,
          transform: `translate(${x} ${['save', 'end', 'error'].includes(kind) ? bottom : 10})`});
        add(mark, 'title', {}, `${kind}, step ${step}: ${text}`);
      });
    }
  }

  function draw(plot) {
    const width = plot.place.clientWidth, size = {width, height: Math.max(190, Math.min(270, width / 2))};
    plot.place.replaceChildren();
    const lines = plot.lines = visibleLines(plot);
    if (lines.length === 0 || width === 0) {
      add(plot.place, 'p', {class: 'empty'}, plot.chart.lines.every((line) =>
        state.hidden.has(line.run)) ? 'All runs with this curve are switched off.'
                                    : 'Nothing to draw on this axis.');
      return;
    }
    const range = ranges(plot, lines), [left, right] = range.x, [low, high] = range.y;
    const across = width - margin.left - margin.right;
    const down = size.height - margin.top - margin.bottom;
    const scale = plot.isLog ? Math.log : (value) => value;
    plot.x = (x) => margin.left + across * (right > left ? (x - left) / (right - left) : 0.5);
    plot.y = (y) => margin.top + down * (1 - (scale(y) - scale(low)) / (scale(high) - scale(low)));
    const svg = plot.svg = add(plot.place, 'svg', {width, height: size.height, role: 'img',
      tabindex: 0, 'aria-label': label(plot, lines)});
    drawAxes(svg, plot, range, size);
    for (const line of lines) drawLine(svg, plot, line);
    drawMarks(svg, plot, size);
    plot.cross = add(svg, 'line', {y1: margin.top, y2: size.height - margin.bottom, class: 'cross',
                                   visibility: 'hidden'});
    plot.dots = add(svg, 'g');
    plot.tip = add(plot.place, 'div', {class: 'tip', role: 'status', hidden: ''});
    listen(plot);
  }

  function label(plot, lines) {
    const last = lines.slice(0, 8).map(({line, ys}) => `${line.label} ${shown(ys[ys.length - 1])}`);
    const more = lines.length > 8 ? `, and ${lines.length - 8} more` : '';
    return `${plot.chart.title} over ${state.axis}; last values: ${last.join(', ')}${more}. ` +
           'The arrow keys move along the curves.';
  }

  function nearest(values, wanted) {
    let low = 0, high = values.length - 1;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (values[middle] < wanted) low = middle; else high = middle;
    }
    return Math.abs(values[low] - wanted) <= Math.abs(values[high] - wanted) ? low : high;
  }

  // Shows the values at the place `x` (in pixels) of the plot; of many lines, those near `y`.
  function point(plot, x, y) {
    const most = 8;
    const found = plot.lines.map((line) => {
      const pixels = line.pixels ??= line.xs.map(plot.x), i = nearest(pixels, x);
      return {line, i, x: pixels[i], y: plot.y(line.ys[i])};
    }).filter((at) => Math.abs(at.x - x) < 40 || plot.lines.length === 1);
    if (found.length === 0) return hide(plot);
    const at = found.reduce((a, b) => (Math.abs(b.x - x) < Math.abs(a.x - x) ? b : a));
    plot.at = at.x;
    plot.cross.setAttribute('x1', at.x);
    plot.cross.setAttribute('x2', at.x);
    plot.cross.setAttribute('visibility', 'visible');
    plot.dots.replaceChildren();
    plot.tip.replaceChildren();
    plot.tip.hidden = false;
    const {size, name} = unit(extent(plot.lines.flatMap((line) => extent(line.xs)))[1]);
    const where = state.axis === 'steps' ? '' : `, ${shown(at.line.xs[at.i] / size)} ${name}`;
    add(plot.tip, 'b', {}, `step ${at.line.steps[at.i].toLocaleString('en')}${where}`);
    const near = found.length <= most ? found :
      [...found].sort((a, b) => Math.abs(a.y - y) - Math.abs(b.y - y)).slice(0, most);
    for (const one of found.filter((candidate) => near.includes(candidate))) {
      const row = add(plot.tip, 'div');
      add(row, 'span', {class: 'swatch', style: `background:${colour(one.line.number)}`});
      add(row, 'span', {class: 'name'}, one.line.line.label);
      add(row, 'span', {class: 'value'}, shown(one.line.ys[one.i]));
      add(plot.dots, 'circle', {cx: one.x, cy: one.y, r: 3.5, fill: colour(one.line.number)});
    }
    if (found.length > most) add(plot.tip, 'div', {}, `… and ${found.length - most} more curves`);
    for (const mark of plot.marks.filter((m) => Math.abs(m.x - at.x) < 5).slice(0, 4))
      add(plot.tip, 'div', {class: 'event'},
          (isOnly ? '' : report.runs[mark.run].name + ': ') + mark.kind + ': ' + mark.text);
    const width = plot.tip.offsetWidth, space = plot.place.clientWidth;
    const left = at.x + 12 + width > space ? at.x - 12 - width : at.x + 12;
    plot.tip.style.left = Math.max(0, Math.min(left, space - width)) + 'px';
  }

  function hide(plot) {
    plot.tip.hidden = true;
    plot.cross.setAttribute('visibility', 'hidden');
    plot.dots.replaceChildren();
  }

  function listen(plot) {
    plot.svg.addEventListener('pointermove', (event) => {
      const box = plot.svg.getBoundingClientRect();
      point(plot, event.clientX - box.left, event.clientY - box.top);
    });
    plot.svg.addEventListener('pointerleave', () => hide(plot));
    plot.svg.addEventListener('blur', () => hide(plot));
    plot.svg.addEventListener('keydown', (event) => {
      const direction = {ArrowLeft: -1, ArrowRight: 1}[event.key];
      if (event.key === 'Escape') hide(plot);
      if (!direction) return;
      event.preventDefault();
      const line = plot.lines[0], pixels = line.pixels ??= line.xs.map(plot.x);
      const now = plot.at === undefined ? -1 : nearest(pixels, plot.at);
      point(plot, pixels[Math.max(0, Math.min(pixels.length - 1, now + direction))], 0);
    });
  }

  function drawAll() {
    plots.forEach(draw);
  }

  // A switch between a linear and a logarithmic axis, and the colours if they are not those of runs.
  function addControls(plot) {
    const caption = plot.figure.querySelector('figcaption');
    if (isOnly && plot.chart.lines.length > 1)
      plot.chart.lines.forEach((line, i) => {
        const key = add(caption, 'span', {class: 'key'});
        add(key, 'span', {class: 'swatch', style: `background:${colour(i)}`});
        key.append(line.label);
      });
    if (!plot.chart.lines.some((line) => line.values.some((value) => value > 0))) return;
    const button = add(caption, 'button', {type: 'button', 'aria-pressed': 'false'}, 'log');
    button.setAttribute('aria-label', `Logarithmic axis of ${plot.chart.title}`);
    button.addEventListener('click', () => {
      plot.isLog = !plot.isLog;
      button.setAttribute('aria-pressed', String(plot.isLog));
      draw(plot);
    });
  }

  function addKey() {
    const key = document.getElementById('marks');
    const used = new Set(report.runs.flatMap((run) => run.marks.map((mark) => mark[1])));
    for (const [kind, d] of Object.entries(shapes)) {
      if (!used.has(kind)) continue;
      const item = add(key, 'span', {class: 'key'});
      const svg = add(item, 'svg', {width: 14, height: 14, viewBox: '-7 -7 14 14',
                                    'aria-hidden': 'true'});
      add(svg, 'path', {d, class: 'mark ' + kind, stroke: 'var(--mark)',
                        fill: kind === 'error' ? 'none' : 'var(--mark)'});
      item.append(kind);
    }
  }

  for (const box of document.querySelectorAll('[data-run]')) {
    const set = () => state.hidden[box.checked ? 'delete' : 'add'](Number(box.dataset.run));
    box.addEventListener('change', () => { set(); drawAll(); });
    set();
  }
  for (const button of document.querySelectorAll('[data-all]'))
    button.addEventListener('click', () => {
      const checked = button.dataset.all === 'on';
      for (const box of document.querySelectorAll('[data-run]')) {
        box.checked = checked;
        state.hidden[checked ? 'delete' : 'add'](Number(box.dataset.run));
      }
      drawAll();
    });
  const control = (id, use) => {
    const input = document.getElementById(id);
    const apply = () => { use(input); drawAll(); };
    input.addEventListener('input', apply);
    use(input);
  };
  control('axis', (input) => { state.axis = input.value; });
  control('smoothing', (input) => { state.smoothing = Number(input.value); });
  control('events', (input) => { state.showsEvents = input.checked; });
  document.documentElement.classList.add('draws');
  plots.forEach(addControls);
  addKey();
  drawAll();
  let width = window.innerWidth;
  window.addEventListener('resize', () => {
    if (window.innerWidth === width) return;
    width = window.innerWidth;
    drawAll();
  });
})();
