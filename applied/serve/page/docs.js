"use strict";
// Shows openapi.json: what each address takes and answers, and a line for the terminal.
const base = new URL("./", location.href).href.replace(/\/$/, "");

function make(tag, text, ...children) {
  const element = document.createElement(tag);
  if (text) element.textContent = text;
  element.append(...children);
  return element;
}

function list(pairs) {
  const element = make("dl");
  for (const [term, text] of pairs) element.append(make("dt", term), make("dd", text));
  return element;
}

function typeOf(schema) {
  if (!schema) return "";
  if (schema.enum) return schema.enum.join(" or ");
  if (schema.const !== undefined) return String(schema.const);
  if (schema.anyOf) return schema.anyOf.map(typeOf).join(" or ");
  if (schema.$ref) return schema.$ref.split("/").pop();
  if (schema.type === "array") return `list of ${typeOf(schema.items)}`;
  const bounds = [schema.minimum !== undefined && `from ${schema.minimum}`, schema.maximum !== undefined && `to ${schema.maximum}`];
  return [schema.type, ...bounds].filter(Boolean).join(" ");
}

function parameter({name, schema, description}) {
  const usual = schema.default === undefined ? "" : `; by default ${schema.default}`;
  return [name, `${typeOf(schema)}${usual}. ${description ?? ""}`];
}

function example(path, method, route) {
  const address = base + path.replace("{row}", "0");
  if (method === "get") return `curl ${address}`;
  const several = path === "/describe" ? "" : `\ncurl -F images=@one.png -F images=@two.png ${address}`;
  return `curl --data-binary @one.png -H 'Content-Type: image/png' ${address}${several}`;
}

function fields(schema, models) {
  const model = schema?.$ref && models[schema.$ref.split("/").pop()];
  return Object.entries(model?.properties ?? {}).map(([name, field]) => [name, `${typeOf(field)}. ${field.description ?? ""}`]);
}

function shown(path, method, route, models) {
  const article = make("article"), head = make("h3");
  head.append(make("span", method.toUpperCase()), path);
  article.append(head, make("p", route.description ?? route.summary), make("pre", example(path, method, route)));
  if (route.parameters?.length) article.append(make("h4", "Takes"), list(route.parameters.map(parameter)));
  const content = route.responses["200"]?.content ?? {};
  const answer = fields(content["application/json"]?.schema, models);
  if (answer.length) article.append(make("h4", "Answers"), list(answer));
  else if (content["image/png"]) article.append(make("p", "Answers with a PNG."));
  return article;
}

async function start() {
  const place = document.getElementById("routes");
  let told;
  try { told = await (await fetch("openapi.json")).json(); } catch {
    return place.append(make("p", "The server does not answer."));
  }
  const models = told.components?.schemas ?? {};
  document.getElementById("facts").textContent = `${told.info.title}. ${told.info.description} Pictures are sent as the body, or several as multipart fields named images.`;
  const routes = Object.entries(told.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, route]) => shown(path, method, route, models)));
  const refusals = new Map(Object.values(told.paths).flatMap(methods => Object.values(methods)).flatMap(route =>
    Object.entries(route.responses).filter(([status]) => status !== "200").map(([status, {description}]) => [status, description])));
  place.append(...routes, make("h2", "Refusals"),
    make("p", "Each is {\"error\": one sentence}."), list([...refusals].sort()),
    make("h2", "Answers within answers"));
  for (const name of ["Assignment", "Neighbour", "Anomaly"]) {
    if (models[name]) place.append(make("h4", name), list(fields({$ref: name}, models)));
  }
}
start();
