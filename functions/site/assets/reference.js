// Shows the description in Swagger UI. Requests go to the service that served the page, whatever
// servers the description names.
const atThisOrigin = (spec) => {
  const described = spec.servers?.[0].url;
  return described
    ? JSON.parse(JSON.stringify(spec).replaceAll(`"${described}`, `"${location.origin}`))
    : spec;
};
const here = () => ({
  statePlugins: {
    spec: { wrapActions: { updateJsonSpec: (update) => (spec) => update(atThisOrigin(spec)) } },
  },
});

const dark = matchMedia("(prefers-color-scheme: dark)");
const follow = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
dark.addEventListener("change", follow);
follow();

SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#reference",
  deepLinking: true,
  docExpansion: "none",
  plugins: [here],
  validatorUrl: null,
});
