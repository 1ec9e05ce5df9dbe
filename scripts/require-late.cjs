/** The names of Node's own modules that take milliseconds to load and that most commands don't need. */
const late =
  /^(?:node:)?(?:child_process|crypto|https?|http2|net|os|stream|stream\/promises|tls|v8|zlib)$/;

/** Hundreds of berth's files name the same few modules, and Node takes long to find a module again. */
const known = new Map();

/**
 * The function `require` of berth's programs: loads modules that take long when something of them is first used.
 *
 * @param {string} name
 */
function requireLate(name) {
  let module = known.get(name);
  if (module === undefined) {
    module = late.test(name) ? whenUsed(name) : require(name);
    known.set(name, module);
  }
  return module;
}

function whenUsed(name) {
  let loaded;
  const module = new Proxy(
    {},
    {
      get(_, key) {
        loaded ??= require(name);
        return loaded[key];
      },
      // What esbuild makes of `import *` and of a default import inherits from the prototype of the module.
      getPrototypeOf: () => module,
    },
  );
  return module;
}

module.exports = { requireLate };
