// Swagger UI on our own document. A file of its own, because the page allows no inline script.
"use strict";

const docs = document.getElementById("docs");

window.SwaggerUIBundle({
  domNode: docs,
  url: docs.dataset.url,
  deepLinking: true,
  defaultModelsExpandDepth: 0,
  displayRequestDuration: true,
  validatorUrl: null,
});
