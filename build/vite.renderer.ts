import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'

const root = new URL('..', import.meta.url).pathname

/** The window: the same files for the desktop shell and for the browser. */
export default defineConfig({
  root: `${root}renderer`,
  base: '/',
  publicDir: false,
  plugins: [react()],
  build: {
    outDir: `${root}dist/renderer`,
    emptyOutDir: true,
    target: 'chrome120',
    sourcemap: true,
    // A data: address in a style sheet would need a wider content policy.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    // It is read from this computer's disk.
    chunkSizeWarningLimit: 2000,
  },
})
