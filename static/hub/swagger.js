const root = document.getElementById("swagger");
SwaggerUIBundle({ url: root.dataset.schema, domNode: root, deepLinking: true, tryItOutEnabled: true });
