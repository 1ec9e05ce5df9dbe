// Rules of oxlint for what is particular to berth: see .oxlintrc.json.

const message =
  'a list as arguments overflows the stack above some 125,000 elements, and ends the run: use append() of src/common/append.ts, a loop, or a parameter that is a list';

/** What a root, a registry or an engine says has no bound that the stack knows of. */
const noSpreadArgument = {
  create(context) {
    const check = (node) => {
      for (const argument of node.arguments) {
        if (argument.type === 'SpreadElement') context.report({ node: argument, message });
      }
      const { callee } = node;
      const isApply = callee.type === 'MemberExpression' && callee.property.name === 'apply';
      const given = isApply && node.arguments.length > 1 ? node.arguments.at(-1) : undefined;
      if (given !== undefined && given.type !== 'ArrayExpression') {
        context.report({ node: given, message });
      }
    };
    return { CallExpression: check, NewExpression: check };
  },
};

export default {
  meta: { name: 'berth' },
  rules: { 'no-spread-argument': noSpreadArgument },
};
