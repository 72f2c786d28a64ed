EDITS={
"etl/live/recipes.py":[
('''    place = workspace.document.place("companies", name, "parameters")
    request = Request(''','''    request = Request('''),
("load_recipe(request, where=str(place), shelf=shelf)","load_recipe(request, shelf=shelf)"),
('load_recipe(request, where="parameters", shelf=Shelf(None, folder, bases))','load_recipe(request, shelf=Shelf(None, folder, bases))'),
("from etl.batches.recipe import hash_document\n","from etl.batches.recipe import hash_document\nfrom etl.checking import parameter_door\n"),
('''        parameters=company.parameters,
''','''        parameters=company.parameters,
        door=parameter_door(workspace, name),
'''),
('''        parameters=head["parameters"],
''','''        parameters=head["parameters"],
        door=_STORED,
'''),
('''_VERSION = "version/"
''','''_VERSION = "version/"
_STORED = Door("parameters", "stage the batch again with `pleo-etl run`; see {name}")
'''),
('''from etl.rendering.templates import Shelf
''','''from etl.rendering.parameters import Door
from etl.rendering.templates import Shelf
'''),
],
}
