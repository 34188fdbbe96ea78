// Runs before the first paint. The same rule as src/app/theme.ts: what was chosen, else what the system prefers.
;(function () {
  var chosen = null
  try {
    chosen = localStorage.getItem('catwalk.theme')
  } catch {
    // Storage is forbidden; the system's preference decides.
  }
  var light = chosen === 'light' || (chosen !== 'dark' && matchMedia('(prefers-color-scheme: light)').matches)
  document.documentElement.dataset.theme = light ? 'light' : 'dark'
})()
